from mmseg_da.models.post_processing.dense_crf import dense_crf

__all__ = ['dense_crf']

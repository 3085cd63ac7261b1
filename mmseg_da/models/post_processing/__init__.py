from mmseg_da.models.post_processing.dense_crf import (
    CRFEncoderDecoder,
    dense_crf,
)

__all__ = ['CRFEncoderDecoder', 'dense_crf']

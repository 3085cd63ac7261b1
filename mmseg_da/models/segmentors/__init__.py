from mmseg_da.models.segmentors.crf_encoder_decoder import CRFEncoderDecoder

__all__ = ['CRFEncoderDecoder']

import inspect

import torch
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor

from mmseg_da.errors import InputError
from mmseg_da.models.post_processing import dense_crf
from mmseg_da.models.post_processing.dense_crf import check_parameters
from mmseg_da.registry import MODELS


@MODELS.register_module()
class CRFEncoderDecoder(EncoderDecoder):
    """EncoderDecoder whose predictions a dense CRF sharpens.

    Training is that of :class:`mmseg.models.EncoderDecoder`, and so are the
    checkpoints: the type can be given at test time alone. The CRF works at
    the size of the network's input, on the input image itself. Seconds an
    image on a CPU. It may be mixed into a subclass of EncoderDecoder.

    Args:
        test_cfg (dict): May have ``crf``, a dict of
            :func:`mmseg_da.models.post_processing.dense_crf`'s parameters.
        kwargs: See :class:`mmseg.models.EncoderDecoder`.

    Raises:
        InputError: If a parameter of ``test_cfg.crf`` is unknown or out of
            its range.

    Example:
        On for any config whose model is an EncoderDecoder:

        python tools/test.py CONFIG CHECKPOINT --cfg-options \
            model.type=mmseg_da.CRFEncoderDecoder model.test_cfg.crf.w1=5
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.crf = dict((self.test_cfg or {}).get('crf') or {})
        known = list(inspect.signature(dense_crf).parameters)[2:]
        for name in self.crf:
            if name not in known:
                raise InputError(
                    f'model.test_cfg.crf has the key {name!r}; expected one '
                    f'of {", ".join(known)}.'
                )
        check_parameters(**self.crf)
        if self.out_channels == 1:
            raise InputError(
                'The dense CRF needs one output channel for each class, but '
                'model.decode_head has out_channels=1.'
            )

    def inference(self, inputs: Tensor, batch_img_metas: list) -> Tensor:
        """Return the log-probabilities after the CRF, ``(N, C, H, W)``."""
        logits = super().inference(inputs, batch_img_metas)
        prob = logits.softmax(1, dtype=torch.float32)
        refined = [
            dense_crf(one, image, **self.crf)
            for one, image in zip(prob, self._images(inputs))
        ]
        tiny = torch.finfo(torch.float32).tiny
        return torch.stack(refined).clamp(min=tiny).log()

    def _images(self, inputs: Tensor) -> Tensor:
        """Undo the normalization: ``(N, H, W, 3)`` in 0..255."""
        preprocessor = self.data_preprocessor
        if getattr(preprocessor, '_enable_normalize', False):
            inputs = inputs * preprocessor.std + preprocessor.mean
        return inputs.float().round().clamp(0, 255).movedim(1, -1)

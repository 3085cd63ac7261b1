"""Fully connected conditional random field with Gaussian edges.

Kraehenbuehl and Koltun, "Efficient Inference in Fully Connected CRFs with
Gaussian Edge Potentials", NeurIPS 2011; parameters named as in Chen et al.,
"DeepLab", TPAMI 2018, equation 3.
"""

import inspect
import math
from collections.abc import Callable
from numbers import Real

import torch
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor

from mmseg_da.errors import InputError
from mmseg_da.models.post_processing.permutohedral import PermutohedralLattice
from mmseg_da.registry import MODELS


def dense_crf(
    probabilities: Tensor,
    image: Tensor,
    w1: float = 4.0,
    sigma_alpha: float = 67.0,
    sigma_beta: float = 3.0,
    w2: float = 3.0,
    sigma_gamma: float = 3.0,
    num_iterations: int = 10,
) -> Tensor:
    r"""Sharpen class probabilities along the edges of the image.

    Mean-field inference with Potts compatibility and

    .. math::
        k(i, j) = w_1 \exp\left(-\frac{|p_i - p_j|^2}{2 \sigma_\alpha^2}
        - \frac{|I_i - I_j|^2}{2 \sigma_\beta^2}\right)
        + w_2 \exp\left(-\frac{|p_i - p_j|^2}{2 \sigma_\gamma^2}\right)

    with positions :math:`p` in pixels and colours :math:`I` in 0..255. As
    in the authors' program, and as the usual weights presume, each kernel
    :math:`K` is used as :math:`D^{-1/2} K D^{-1/2}`, where :math:`D` holds
    its row sums, and the sum over :math:`j` includes :math:`i`.

    The sums run on the permutohedral lattice: an approximation, whose cost
    grows with the number of pixels and not with its square.

    Args:
        probabilities (Tensor): Of each class, ``(C, H, W)``.
        image (Tensor): The image they belong to, ``(H, W, 3)``, values
            0..255; the order of the colours does not matter.
        w1 (float): Weight of the appearance kernel. Defaults to 4.
        sigma_alpha (float): Its reach in pixels. Defaults to 67.
        sigma_beta (float): Its reach in colour. Defaults to 3.
        w2 (float): Weight of the smoothness kernel. Defaults to 3.
        sigma_gamma (float): Its reach in pixels. Defaults to 3.
        num_iterations (int): Mean-field updates. Defaults to 10.

    Returns:
        Tensor: Probabilities ``(C, H, W)``, float32.

    Raises:
        InputError: If a parameter is out of its range, or the shapes do not
            fit.
    """
    check_parameters(
        num_iterations,
        **dict(w1=w1, sigma_alpha=sigma_alpha, sigma_beta=sigma_beta),
        **dict(w2=w2, sigma_gamma=sigma_gamma),
    )
    size = probabilities.shape[1:]
    if probabilities.dim() != 3 or image.shape != (*size, 3):
        raise InputError(
            'dense_crf takes probabilities (C, H, W) and an image (H, W, 3), '
            f'but got {tuple(probabilities.shape)} and {tuple(image.shape)}.'
        )
    axes = (torch.arange(n, device=image.device) for n in size)
    y, x = torch.meshgrid(*axes, indexing='ij')
    position = torch.stack((y, x), dim=-1).reshape(-1, 2).float()
    colour = image.reshape(-1, 3).float()
    appearance = (position / sigma_alpha, colour / sigma_beta)
    kernels = []
    if w1:
        kernels.append(_kernel(w1, torch.cat(appearance, dim=1)))
    if w2:
        kernels.append(_kernel(w2, position / sigma_gamma))

    # Pixels first: what the lattice filters are the rows of a table.
    current = probabilities.flatten(1).t().float().contiguous()
    unary = current.log()
    for _ in range(num_iterations):
        energy = unary
        for kernel in kernels:
            energy = energy + kernel(current)
        current = energy.softmax(1)
    return current.t().reshape(probabilities.shape)


def check_parameters(num_iterations: int = 10, **numbers: float) -> None:
    """Check :func:`dense_crf`'s parameters.

    Raises:
        InputError: If one is out of its range, naming it.
    """
    for name, value in numbers.items():
        weight = name.startswith('w')
        if (
            not isinstance(value, Real)
            or not math.isfinite(value)
            or value < 0
            or (value == 0 and not weight)
        ):
            wanted = 'of at least 0' if weight else 'above 0'
            raise InputError(
                f'{name} of the dense CRF is {value!r}; expected a number '
                f'{wanted}.'
            )
    if not isinstance(num_iterations, int) or num_iterations < 0:
        raise InputError(
            f'num_iterations of the dense CRF is {num_iterations!r}; expected '
            'a whole number of at least 0.'
        )


def _kernel(weight: float, features: Tensor) -> Callable[[Tensor], Tensor]:
    """Weighted and normalized filter of maps ``(H * W, C)``."""
    lattice = PermutohedralLattice(features)
    scale = lattice(torch.ones_like(features[:, :1])).rsqrt()
    weight = weight * scale
    return lambda maps: lattice(maps * scale) * weight


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

"""Rewrite a segmentor as the same function with less work."""

import copy
from itertools import pairwise

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModel, revert_sync_batchnorm
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.models.backbones.resnet import BasicBlock, Bottleneck, ResNet
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import fuse_conv_bn_eval

from mmseg_da.deploy.bisenet import FastBiSeNet, is_plain_bisenet
from mmseg_da.deploy.class_map import class_map
from mmseg_da.errors import InputError, check_choice

PRECISIONS = {
    'fp32': torch.float32,
    'bf16': torch.bfloat16,
    'fp16': torch.float16,
}

# Modules of these run their parts in the order of the names.
IN_ORDER = tuple(
    kind.forward for kind in (nn.Sequential, ResNet, BasicBlock, Bottleneck)
)


def fuse(segmentor: nn.Module) -> nn.Module:
    """Copy a segmentor and fold its BatchNorms into its convolutions.

    Those alone that are known to run right after a plain convolution.
    Auxiliary heads are dropped, and weights are stored channels-last. The
    copy is in eval mode and cannot be trained.
    """
    auxiliary = getattr(segmentor, 'auxiliary_head', None)
    memo = {} if auxiliary is None else {id(auxiliary): None}
    segmentor = copy.deepcopy(segmentor, memo)
    segmentor = revert_sync_batchnorm(segmentor).eval()
    for module in list(segmentor.modules()):
        _fold(module)
    segmentor.requires_grad_(False)
    return segmentor.to(memory_format=torch.channels_last)


def _fold(module: nn.Module) -> None:
    """Fold the BatchNorm layers among a module's own parts."""
    parts = list(module._modules.items())
    if isinstance(module, ConvModule):
        order = module.order
        known = order.index('norm') == order.index('conv') + 1
        known = known and not module.with_spectral_norm
    else:
        known = type(module).forward in IN_ORDER
    for (name, conv), (other, norm) in pairwise(parts) if known else ():
        if (
            type(conv) is nn.Conv2d
            and isinstance(norm, _BatchNorm)
            and norm.running_mean is not None
        ):
            setattr(module, name, fuse_conv_bn_eval(conv, norm))
            setattr(module, other, nn.Identity())


def fast_network(
    segmentor: nn.Module, dtype: torch.dtype = torch.float32, pack: bool = True
) -> nn.Module:
    """Build the network from a normalised image to the head's logits.

    It takes ``(N, 3, H, W)`` of ``dtype``, returns ``(N, num_classes, h, w)``
    and is in channels-last.

    Args:
        segmentor (nn.Module): What :func:`fuse` returns.
        dtype (torch.dtype): Type of the weights and maps. Defaults to fp32.
        pack (bool): Whether to pack the convolutions of the paper's BiSeNet
            for oneDNN. A packed network cannot be moved, exported or
            compiled. Defaults to True.
    """
    if dtype != torch.float32:
        segmentor = copy.deepcopy(segmentor).to(dtype)
    backbone, head = segmentor.backbone, segmentor.decode_head
    neck = getattr(segmentor, 'neck', None)
    if neck is not None or not is_plain_bisenet(backbone, head):
        return segmentor
    network = FastBiSeNet(backbone, head, pack).eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last)


class FastSegmentor(BaseModel):
    """A trained segmentor that only predicts class maps, and does it faster.

    Its test step takes and returns what MMSegmentation's does, without the
    logits at the image's size. ``mmseg.apis.inference_model`` and a Runner's
    test loop run it.

    Args:
        segmentor (EncoderDecoder): Tested on whole images, not in slides. It
            is not changed.
        precision (str): 'fp32', 'bf16' or, on CUDA, 'fp16'. Defaults to
            'fp32'.
        compile (bool): Whether TorchInductor compiles the network, which
            takes a minute at the first image. Defaults to False.
        pack (bool): See :func:`mmseg_da.deploy.fast_network`. Defaults to
            True.

    Raises:
        InputError: If the segmentor does more than its network at test time,
            or the precision is unknown.
    """

    def __init__(
        self,
        segmentor: EncoderDecoder,
        precision: str = 'fp32',
        compile: bool = False,
        pack: bool = True,
    ) -> None:
        _check(segmentor, precision)
        super().__init__(segmentor.data_preprocessor)
        self.dtype = PRECISIONS[precision]
        self.align_corners = segmentor.align_corners
        fused = fuse(segmentor)
        self.network = fast_network(fused, self.dtype, pack and not compile)
        if compile:
            options = dict(options={'freezing': True})
            if next(self.network.parameters()).is_cuda:
                options = dict(mode='max-autotune')  # CUDA graphs
            self.network = torch.compile(self.network, **options)
        # `inference_model` and `Predictor` read these.
        for name in ('cfg', 'dataset_meta'):
            if hasattr(segmentor, name):
                setattr(self, name, getattr(segmentor, name))
        self.eval()

    def logits(self, images: Tensor) -> Tensor:
        """Normalised images to the decode head's logits."""
        images = images.to(dtype=self.dtype, memory_format=torch.channels_last)
        return self.network(images)

    @torch.inference_mode()
    def forward(self, inputs, data_samples=None, mode='tensor'):
        """See :class:`mmengine.model.BaseModel`; there is no ``'loss'``."""
        logits = self.logits(inputs)
        if mode == 'tensor':
            return logits
        if mode != 'predict':
            raise RuntimeError(f'A FastSegmentor has no mode {mode!r}.')
        for one, sample in zip(logits, data_samples):
            sizes = [tuple(inputs.shape[2:]), tuple(sample.ori_shape[:2])]
            classes = class_map(one[None], sizes, self.align_corners)
            sample.pred_sem_seg = PixelData(data=classes)
        return data_samples


def _check(segmentor: nn.Module, precision: str) -> None:
    if type(segmentor) is not EncoderDecoder or segmentor.out_channels < 2:
        raise InputError(
            f'The fast path knows the segmentor EncoderDecoder with softmax '
            f'output, not {type(segmentor).__name__}: use tools/test.py.'
        )
    head = type(segmentor.decode_head)
    for name in ('predict', 'predict_by_feat'):
        if getattr(head, name, None) is not getattr(BaseDecodeHead, name):
            raise InputError(
                f'{head.__name__} has a {name} of its own, which the fast '
                'path does not know: use tools/test.py.'
            )
    if segmentor.test_cfg.get('mode', 'whole') != 'whole':
        raise InputError(
            f'model.test_cfg.mode is {segmentor.test_cfg.mode!r}; the fast '
            "path takes an image as a 'whole'."
        )
    padding = getattr(segmentor.data_preprocessor, 'test_cfg', None)
    if padding:
        raise InputError(
            f'model.data_preprocessor.test_cfg is {dict(padding)}, which pads '
            'images at test time, and the fast path does not undo that: '
            'remove it, or use tools/test.py.'
        )
    check_choice('precision', precision, tuple(PRECISIONS))
    device = next(segmentor.parameters()).device
    if precision == 'fp16' and device.type == 'cpu':
        raise InputError('fp16 needs a GPU: choose bf16 or fp32 on the CPU.')

"""Rewrite a segmentor as the same function with less work."""

import copy

import torch
from mmcv.cnn import fuse_conv_bn
from mmengine.model import revert_sync_batchnorm
from mmseg.models.backbones.resnet import BasicBlock, ResNet
from torch import Tensor, nn

from mmseg_da.deploy.bisenet import FastBiSeNet
from mmseg_da.models.bisenet import BiSeNet, BiSeNetHead


def fuse(segmentor: nn.Module) -> nn.Module:
    """Copy a segmentor and fold its BatchNorms into its convolutions.

    Auxiliary heads are dropped, and weights are stored channels-last. The copy
    is in eval mode and cannot be trained.
    """
    auxiliary = getattr(segmentor, 'auxiliary_head', None)
    memo = {} if auxiliary is None else {id(auxiliary): None}
    segmentor = copy.deepcopy(segmentor, memo)
    segmentor = fuse_conv_bn(revert_sync_batchnorm(segmentor).eval())
    segmentor.requires_grad_(False)
    return segmentor.to(memory_format=torch.channels_last)


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
    if _is_plain_bisenet(backbone, head):
        network = FastBiSeNet(backbone, head, pack)
    else:
        network = _EncoderDecoder(segmentor)
    network = network.eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last)


class _EncoderDecoder(nn.Module):
    """Any segmentor as a network from image to logits."""

    def __init__(self, segmentor: nn.Module) -> None:
        super().__init__()
        self.backbone = segmentor.backbone
        self.neck = segmentor.neck if segmentor.with_neck else nn.Identity()
        self.decode_head = segmentor.decode_head

    def forward(self, x: Tensor) -> Tensor:
        return self.decode_head(self.neck(self.backbone(x)))


def _is_plain_bisenet(backbone: nn.Module, head: nn.Module) -> bool:
    """Whether :class:`FastBiSeNet` can compute this network."""
    if type(backbone) is not BiSeNet or type(head) is not BiSeNetHead:
        return False
    resnet = backbone.context_path
    if type(resnet) is not ResNet or resnet.deep_stem:
        return False
    blocks = [b for n in resnet.res_layers for b in getattr(resnet, n)]
    layers = [*backbone.spatial_path.layers, head.fuse]
    return (
        tuple(resnet.out_indices) == (2, 3)
        and len(resnet.res_layers) == 4
        and all(type(block) is BasicBlock for block in blocks)
        and all(
            block.downsample is None or len(block.downsample) == 2
            for block in blocks
        )
        and all(type(layer.activate) is nn.ReLU for layer in layers)
        # Every norm layer was folded.
        and not any(
            'Norm' in type(module).__name__
            for part in (backbone, head)
            for module in part.modules()
        )
    )

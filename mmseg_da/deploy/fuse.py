"""Rewrite a segmentor as the same function with less work."""

import copy

import torch
from mmcv.cnn import fuse_conv_bn
from mmengine.model import revert_sync_batchnorm
from mmseg.models.backbones.resnet import BasicBlock, ResNet
from torch import nn

from mmseg_da.deploy.bisenet import FastBiSeNet
from mmseg_da.models.backbones.bisenet import BiSeNet
from mmseg_da.models.decode_heads.bisenet_head import BiSeNetHead


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
    if not _is_plain_bisenet(backbone, head):
        return segmentor
    network = FastBiSeNet(backbone, head, pack).eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last)


def _is_plain_bisenet(backbone: nn.Module, head: nn.Module) -> bool:
    """Whether :class:`FastBiSeNet` can compute this network."""
    if type(backbone) is not BiSeNet or type(head) is not BiSeNetHead:
        return False
    resnet = backbone.context_path
    return (
        type(resnet) is ResNet
        and not resnet.deep_stem
        and not resnet.avg_down
        and tuple(resnet.out_indices) == (2, 3)
        and len(resnet.res_layers) == 4
        and resnet.block is BasicBlock
        and type(head.fuse.activate) is nn.ReLU
        # Every norm layer was folded.
        and not any(
            'Norm' in type(module).__name__
            for part in (backbone, head)
            for module in part.modules()
        )
    )

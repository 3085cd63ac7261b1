from mmseg_da.models.losses.class_weight import load_class_weight
from mmseg_da.models.losses.cross_entropy_loss import (
    CrossEntropyLoss,
    cross_entropy,
)
from mmseg_da.models.losses.dice_loss import DiceLoss, dice_loss
from mmseg_da.models.losses.focal_loss import FocalLoss, softmax_focal_loss

__all__ = [
    'CrossEntropyLoss',
    'DiceLoss',
    'FocalLoss',
    'cross_entropy',
    'dice_loss',
    'load_class_weight',
    'softmax_focal_loss',
]

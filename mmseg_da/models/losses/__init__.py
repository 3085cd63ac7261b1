from mmseg_da.models.losses.class_weight import load_class_weight
from mmseg_da.models.losses.functional import (
    cross_entropy,
    dice_loss,
    softmax_focal_loss,
)
from mmseg_da.models.losses.modules import (
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
)

__all__ = [
    'CrossEntropyLoss',
    'DiceLoss',
    'FocalLoss',
    'cross_entropy',
    'dice_loss',
    'load_class_weight',
    'softmax_focal_loss',
]

"""Adapt a trained network's BatchNorm to a target without training."""

from collections.abc import Iterable

from mmseg.models import BaseSegmentor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn

from mmseg_da.errors import InputError


def adapt_bn(model: BaseSegmentor, loader: Iterable[dict]) -> None:
    """Replace BatchNorm's running statistics by those of other images.

    Adaptive Batch Normalization (Li et al., 2016): means and variances are
    averaged over the batches, the weights stay. The model is changed.

    Args:
        model (BaseSegmentor): A trained segmentor, on the device to use.
        loader (Iterable[dict]): Whole batches as MMSegmentation's data
            loaders give them, each image once. Labels are not used.

    Raises:
        InputError: If the model has no BatchNorm.

    Example:
        >>> model = init_model(config, 'best.pth')
        >>> adapt_bn(model, Runner.build_dataloader(loader_cfg))
        >>> torch.save({'state_dict': model.state_dict()}, 'best_bn.pth')
    """
    check_batch_norm(model)
    inputs = (model.data_preprocessor(b, True)['inputs'] for b in loader)
    update_bn(inputs, model)


def check_batch_norm(model: BaseSegmentor) -> None:
    """Raise an InputError if a model has no BatchNorm to adapt."""
    if not any(isinstance(m, _BatchNorm) for m in model.modules()):
        raise InputError(
            f'This {type(model).__name__} has no BatchNorm, so that there is '
            'nothing to adapt: use the checkpoint as it is.'
        )

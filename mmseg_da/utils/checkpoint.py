"""Loading weights for inference, safely and with plain words."""

from __future__ import annotations

from pathlib import Path

from mmengine.model import is_model_wrapper
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from ..errors import InputError
from .safe_load import load_file, weights_only_loading

AUXILIARY = 'auxiliary_head.'


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load a checkpoint's weights into a model that is to predict.

    The file is read as weights only: objects that could run code are
    refused. Auxiliary heads may be in one and not in the other, since they
    do not predict.

    Args:
        model (nn.Module): A model of the checkpoint's architecture.
        path (str | Path): File with a state dict, or with one under
            ``state_dict`` as MMEngine writes it.

    Raises:
        InputError: If the file is missing, is no checkpoint, holds more than
            weights, or is of another architecture.
    """
    model.load_state_dict(check_weights(model, path), strict=False)


def check_weights(model: nn.Module, path: str | Path) -> dict[str, Tensor]:
    """Check that a checkpoint has all that a model predicts with.

    MMEngine warns, and goes on with random numbers for what is missing.

    Args: See :func:`load_weights`.

    Returns:
        dict[str, Tensor]: The weights.

    Raises:
        InputError: See :func:`load_weights`.
    """
    if is_model_wrapper(model):
        model = model.module
    state = _state_dict(_load(str(path)), path)
    _check_architecture(model, state, path)
    return state


def _load(path: str) -> object:
    if '://' not in path:
        return load_file(path, map_location='cpu')
    with weights_only_loading():
        return CheckpointLoader.load_checkpoint(path, map_location='cpu')


def _state_dict(content: object, path: str | Path) -> dict[str, Tensor]:
    if isinstance(content, dict):
        content = content.get('state_dict', content)
    if (
        not isinstance(content, dict)
        or not content
        or not all(isinstance(value, Tensor) for value in content.values())
    ):
        raise InputError(
            f'{path} holds no weights under the key state_dict: give the '
            '.pth file of a training run.'
        )
    # The prefix that DistributedDataParallel puts before each name.
    return {k.removeprefix('module.'): v for k, v in content.items()}


def _check_architecture(
    model: nn.Module, state: dict[str, Tensor], path: str | Path
) -> None:
    own = model.state_dict()
    missing = [k for k in own if k not in state]
    unexpected = [k for k in state if k not in own]
    missing, unexpected = (
        [name for name in names if not name.startswith(AUXILIARY)]
        for names in (missing, unexpected)
    )
    reshaped = [
        k for k in own if k in state and own[k].shape != state[k].shape
    ]
    if not (missing or unexpected or reshaped):
        return
    if reshaped:
        first = reshaped[0]
        first += (
            f' is {tuple(state[first].shape)} in the file and '
            f'{tuple(own[first].shape)} in the model'
        )
    elif missing:
        first = f'{missing[0]} is not in the file'
    else:
        first = f'{unexpected[0]} is not in the model'
    raise InputError(
        f'The checkpoint {path} is of another architecture than the '
        f'config: of {len(own)} tensors {len(missing)} are missing and '
        f'{len(reshaped)} have another shape, and {len(unexpected)} are too '
        f'many ({first}); give the config that it was trained with.'
    )

"""Loading weights to predict with and to train from, safely."""

from pathlib import Path

from mmengine.model import is_model_wrapper
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmseg_da.errors import InputError
from mmseg_da.utils.safe_load import load_file, weights_only_loading

AUXILIARY = 'auxiliary_head.'


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load the weights of a checkpoint into a model for prediction.

    The file is read as weights only: objects that could run code are
    refused. Auxiliary heads may be missing in the file or in the model, since
    they do not predict.

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
    """Check that a checkpoint has all weights that a model predicts with.

    MMEngine only warns of missing weights and keeps random numbers for them.

    Args: See :func:`load_weights`.

    Returns:
        dict[str, Tensor]: The weights.

    Raises:
        InputError: See :func:`load_weights`.
    """
    state = find_state_dict(load_checkpoint(str(path)), path)
    check_architecture(model, state, path)
    return state


def load_checkpoint(path: str) -> object:
    if '://' not in path:
        return load_file(path, map_location='cpu')
    with weights_only_loading():
        return CheckpointLoader.load_checkpoint(path, map_location='cpu')


def find_state_dict(content: object, path: str | Path) -> dict[str, Tensor]:
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


def unwrap(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model


def compare_names(
    own: dict[str, Tensor], state: dict[str, Tensor]
) -> tuple[list[str], list[str], list[str]]:
    """Names that are missing, unexpected, and of another shape."""
    return (
        [name for name in own if name not in state],
        [name for name in state if name not in own],
        [
            name
            for name in own
            if name in state and own[name].shape != state[name].shape
        ],
    )


def check_architecture(
    model: nn.Module,
    state: dict[str, Tensor],
    path: str | Path,
    advice: str = '',
) -> None:
    own = unwrap(model).state_dict()
    missing, unexpected, reshaped = compare_names(own, state)
    missing, unexpected = (
        [name for name in names if not name.startswith(AUXILIARY)]
        for names in (missing, unexpected)
    )
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
        f'many ({first}); give the config that it was trained with'
        f'{", " * bool(advice)}{advice}.'
    )

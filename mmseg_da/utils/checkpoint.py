"""Loading weights for inference, safely and with plain words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError

import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor, nn

from ..errors import InputError
from .safe_load import ALLOWED_TYPES

AUXILIARY = 'auxiliary_head.'
METHODS = ('min', 'max', 'current', 'mean')


def _history_method(owner: type, name: str) -> Callable:
    """Stands for ``getattr`` in a checkpoint.

    MMEngine's history refers to its own methods by it; there is no other use
    that weights could have for it.
    """
    if owner is not HistoryBuffer or name not in METHODS:
        raise UnpicklingError(f'Unsupported global: GLOBAL getattr of {name}')
    return getattr(owner, name)


ALLOWED = [*ALLOWED_TYPES, (_history_method, 'builtins.getattr')]


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
    state = _state_dict(_load(Path(path)), path)
    _check_architecture(model, state, path)
    model.load_state_dict(state, strict=False)


def _load(path: Path) -> object:
    if not path.is_file():
        raise InputError(
            f'The checkpoint {path} does not exist: give the .pth file of a '
            'training run.'
        )
    try:
        with torch.serialization.safe_globals(ALLOWED):
            return torch.load(path, map_location='cpu', weights_only=True)
    except UnpicklingError as error:
        # torch names what it refused; a damaged file has no such name.
        found = re.search(r'(?:GLOBAL|class) ([\w.]+)', str(error))
        if found is None:
            raise _no_checkpoint(path) from error
        raise InputError(
            f'The checkpoint {path} holds an object that carries code '
            f'({found[1]}) and is refused: use a file from a source you '
            'trust, saved with tensors and plain types only.'
        ) from error
    except Exception as error:  # damaged files raise whatever they like
        raise _no_checkpoint(path) from error


def _no_checkpoint(path: str | Path) -> InputError:
    return InputError(
        f'{path} is no checkpoint, or a damaged one: give the .pth file of a '
        'training run.'
    )


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

"""Loading weights to predict with and to train from, safely."""

from __future__ import annotations

from pathlib import Path

from mmengine.model import is_model_wrapper
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmseg_da.errors import InputError
from mmseg_da.utils.cli import warn
from mmseg_da.utils.safe_load import load_file, weights_only_loading

AUXILIARY = 'auxiliary_head.'
# Keys of MMEngine's checkpoints that a run needs to be resumed.
NEEDED_TO_RESUME = ('state_dict', 'meta', 'message_hub', 'optimizer')
# Keys that starting from the weights makes use of, or may ignore.
WEIGHTS = ('state_dict', 'meta', 'message_hub')


def load_weights(
    model: nn.Module, path: str | Path, teacher: bool = False
) -> None:
    """Load the weights of a checkpoint into a model for prediction.

    The file is read as weights only: objects that could run code are
    refused. Auxiliary heads may be missing in the file or in the model, since
    they do not predict.

    Args:
        model (nn.Module): A model of the checkpoint's architecture.
        path (str | Path): File with a state dict, or with one under
            ``state_dict`` as MMEngine writes it.
        teacher (bool): Whether to take the weights of the EMA teacher that
            the model was trained with, instead of its own. Defaults to
            False.

    Raises:
        InputError: If the file is missing, is no checkpoint, holds more than
            weights, is of another architecture, or has no teacher.
    """
    weights = check_weights(model, path, teacher)
    _unwrap(model).load_state_dict(weights, strict=False)


def check_weights(
    model: nn.Module, path: str | Path, teacher: bool = False
) -> dict[str, Tensor]:
    """Check that a checkpoint has all weights that a model predicts with.

    MMEngine only warns of missing weights and keeps random numbers for them.

    Args: See :func:`load_weights`.

    Returns:
        dict[str, Tensor]: The weights.

    Raises:
        InputError: See :func:`load_weights`.
    """
    content = _load(str(path))
    if teacher:
        content = _teacher_weights(content, path)
    state = _state_dict(content, path)
    _check_architecture(model, state, path)
    return state


def check_start(
    model: nn.Module, path: str, resume: bool, partial: bool = False
) -> None:
    """Check the checkpoint from which a training starts or is resumed.

    A warning names the weights and the parts of the file that are not used.

    Args:
        model (nn.Module): The model that is about to be trained.
        path (str): The checkpoint, a file or a URL.
        resume (bool): Whether a run is resumed, not started from weights.
        partial (bool): Whether to start from the weights that fit, even if
            others do not. Defaults to False.

    Raises:
        InputError: If the weights do not fit, or a run cannot be resumed
            from the file.
    """
    content = _load(path)
    state = _state_dict(content, path)
    if resume:
        _check_architecture(model, state, path)
        missing = [key for key in NEEDED_TO_RESUME if key not in content]
        if not missing and not {'iter', 'epoch'} <= content['meta'].keys():
            missing = ['meta.iter']
        if missing:
            raise InputError(
                f'The checkpoint {path} cannot be resumed, because it has no '
                f'{" and no ".join(missing)}: start a new run from its '
                'weights, with load_from and without --resume.'
            )
        return
    if partial:
        _report_partial(model, state, path)
    else:
        advice = 'or start from the weights that fit, with --partial-load'
        _check_architecture(model, state, path, advice)
    left = [key for key in content if key not in WEIGHTS]
    if 'state_dict' in content and left:
        terms = 'the state of adaptation terms and ' * bool(
            {'adaptation', 'adversarial'} & set(left)
        )
        warn(
            f'Only the weights of the segmentor are taken from {path}: '
            f'{terms}all else ({", ".join(left)}) is left out.'
        )


def _report_partial(
    model: nn.Module, state: dict[str, Tensor], path: str
) -> None:
    own = _unwrap(model).state_dict()
    missing, unexpected, reshaped = _compare(own, state)
    taken = len(own) - len(missing) - len(reshaped)
    if not taken:
        raise InputError(
            f'No weight of {path} fits the model of the config: give a '
            'checkpoint of a model that shares a part with it.'
        )
    shapes = [
        f'{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}'
        for name in reshaped
    ]
    sentence = f'{taken} of {len(own)} tensors are taken from {path}'
    for names, kind in (
        (shapes, 'of another shape, so left as initialized'),
        (missing, 'not in the file, so left as initialized'),
        (unexpected, 'not in the model, so left out'),
    ):
        if names:
            sentence += f'; {kind}: {", ".join(names)}'
    warn(f'{sentence}.')


def _load(path: str) -> object:
    if '://' not in path:
        return load_file(path, map_location='cpu')
    with weights_only_loading():
        return CheckpointLoader.load_checkpoint(path, map_location='cpu')


def _teacher_weights(content: object, path: str | Path) -> dict:
    """The averaged model among the state of mmseg_da.EMATeacher."""
    adaptation = content.get('adaptation') if isinstance(content, dict) else {}
    state = (adaptation or {}).get('teacher')
    if not state:
        raise InputError(
            f'The checkpoint {path} holds no teacher: leave out --teacher, or '
            'give a checkpoint that was trained with mmseg_da.EMATeacher.'
        )
    return {k: v for k, v in state.items() if k.startswith('module.')}


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


def _unwrap(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model


def _compare(
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


def _check_architecture(
    model: nn.Module,
    state: dict[str, Tensor],
    path: str | Path,
    advice: str = '',
) -> None:
    own = _unwrap(model).state_dict()
    missing, unexpected, reshaped = _compare(own, state)
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

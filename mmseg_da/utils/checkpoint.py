"""Loading weights to predict with and to train from, safely."""

from pathlib import Path

from mmengine.model import is_model_wrapper
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmseg_da.errors import InputError
from mmseg_da.utils.safe_load import load_file, weights_only_loading

AUXILIARY = 'auxiliary_head.'


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
        teacher (bool): Whether to take the weights of the EMA teacher in the
            file, instead of the segmentor's own. Defaults to False.

    Raises:
        InputError: If the file is missing, is no checkpoint, holds more than
            weights, is of another architecture, or has no teacher.
    """
    weights = check_weights(model, path, teacher)
    model = model.module if is_model_wrapper(model) else model
    model.load_state_dict(weights, strict=False)


def check_weights(
    model: nn.Module, path: str | Path, teacher: bool = False
) -> dict[str, Tensor]:
    """Read the weights for :func:`load_weights`, with its errors.

    MMEngine only warns of missing weights and keeps random numbers for them.
    """
    content = load_checkpoint(str(path))
    if teacher:
        saved = content if isinstance(content, dict) else {}
        average = (saved.get('adaptation') or {}).get('teacher')
        if not average:
            raise InputError(
                f'The checkpoint {path} holds no teacher: leave out '
                '--teacher, or give a checkpoint that was trained with '
                'mmseg_da.EMATeacher.'
            )
        # The teacher's state is more than its weights.
        content = {k: v for k, v in average.items() if k.startswith('module.')}
    state = find_state_dict(content, path)
    check_architecture(model, state, path)
    return state


def load_checkpoint(path: str) -> object:
    if '://' not in path:
        return load_file(str(Path(path).expanduser()), map_location='cpu')
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


def compare_weights(
    model: nn.Module, state: dict[str, Tensor]
) -> tuple[int, list[str], list[str], list[str]]:
    """Number of tensors; those missing, unexpected, and of another shape."""
    own = (model.module if is_model_wrapper(model) else model).state_dict()
    shapes = {k: (v.shape, own[k].shape) for k, v in state.items() if k in own}
    reshaped = [
        f'{k} is {tuple(a)} in the file and {tuple(b)} in the model'
        for k, (a, b) in shapes.items()
        if a != b
    ]
    missing = [k for k in own if k not in state]
    return len(own), missing, [k for k in state if k not in own], reshaped


def check_architecture(
    model: nn.Module, state: dict, path: str | Path, advice: str = ''
) -> None:
    """Raise an InputError if weights are not those of a model."""
    total, *names, reshaped = compare_weights(model, state)
    missing, unexpected = (
        [k for k in keys if not k.startswith(AUXILIARY)] for keys in names
    )
    examples = [
        *reshaped,
        *(f'{k} is not in the file' for k in missing),
        *(f'{k} is not in the model' for k in unexpected),
    ]
    if examples:
        raise InputError(
            f'The checkpoint {path} is of another architecture than the '
            f'config: of {total} tensors {len(missing)} are missing and '
            f'{len(reshaped)} have another shape, and {len(unexpected)} are '
            f'too many ({examples[0]}); give the config that it was trained '
            f'with{advice}.'
        )

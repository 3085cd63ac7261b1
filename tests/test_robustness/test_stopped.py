"""Trainings that cannot start, or that stop, say why and what is saved."""

import errno
import re
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from mmengine.runner import Runner
from sentence import sentence

from launch.cli import one_sentence_errors
from mmseg_da.engine.file_backend import SafeLocalBackend
from mmseg_da.errors import InputError
from mmseg_da.utils.safe_load import load_file


def train(tools, config, *options: str, words: tuple = ()) -> None:
    words = [str(config), '--work-dir', 'w', *words]
    tools['train']([*words, *(['--cfg-options', *options] if options else [])])


def refusal(tools, config, *options: str, words: tuple = ()) -> str:
    with pytest.raises(InputError) as error:
        train(tools, config, *options, words=words)
    return sentence(error.value)


SAVED = (
    r'the last checkpoint is \S+/w/iter_1\.pth, and --resume goes on from it\.'
)
EVERY = 'default_hooks.checkpoint.interval=1'


def interrupt(*_, **__) -> None:
    raise KeyboardInterrupt


# MMEngine formats the config while it saves, and hides what interrupts that.
@pytest.mark.parametrize(
    'place',
    ['mmseg_da.engine.CheckpointHook.before_val', 'yapf_api.FormatCode'],
)
def test_ctrl_c(tools, config, folder, capsys, monkeypatch, place) -> None:
    with monkeypatch.context() as patches:
        if place.startswith('yapf'):
            put = SafeLocalBackend.put

            def put_and_patch(*args) -> None:
                put(*args)
                patches.setattr(f'yapf.yapflib.{place}', interrupt)

            patches.setattr(SafeLocalBackend, 'put', put_and_patch)
        else:
            patches.setattr(place, interrupt)
        with pytest.raises(SystemExit) as end:
            train(tools, config, EVERY)
    assert end.value.code == 130
    number = 1 if place.startswith('yapf') else 2
    assert re.match(
        rf'Stopped by Ctrl-C: the last checkpoint is \S+/w/iter_{number}\.pth'
        r', and --resume goes on',
        capsys.readouterr().err,
    )


def test_a_disk_that_runs_full(tools, config, folder: Path) -> None:
    put = SafeLocalBackend.put

    def fill(self, content, path) -> None:
        if path.endswith('iter_2.pth'):
            raise OSError(errno.ENOSPC, 'No space left on device')
        put(self, content, path)

    with patch.object(SafeLocalBackend, 'put', fill):
        said = refusal(tools, config, EVERY)
    assert re.match(
        r'The work dir w cannot be written to \(No space left on device\): '
        rf'free some space, .*; {SAVED}',
        said,
    )


def test_a_work_dir_that_is_a_file(tools, config, folder: Path) -> None:
    Path('w').touch()
    assert 'w cannot be made, because w is a file' in refusal(tools, config)


def test_a_launcher_without_its_processes(tools, config, folder) -> None:
    said = refusal(tools, config, words=('--launcher', 'pytorch'))
    assert 'pytorch expects to be started by torchrun, but RANK is n' in said


def test_a_logger_that_is_not_installed(tools, config, folder) -> None:
    backend = 'visualizer.vis_backends.0.type=WandbVisBackend'
    # MMEngine keeps one visualizer of each name.
    said = refusal(tools, config, backend, 'visualizer.name=of_wandb')
    assert 'is not installed (Please run "pip install wandb" to in' in said


def test_batch_norm_on_a_single_value(tools, config, folder: Path) -> None:
    said = refusal(tools, config, 'train_dataloader.batch_size=1')
    assert re.match(
        r'BatchNorm cannot train on a single value \(input size .*\[1, 32, 1, '
        r'1\]\)\), for .* to at least 2, .*; no checkpoint was saved\.',
        said,
    )


def test_an_epoch_without_end(tools, config, folder: Path) -> None:
    path = folder / 'epochs.py'
    loop = "dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=1)"
    path.write_text(f'_base_ = {str(config)!r}\ntrain_cfg = {loop}')
    said = refusal(tools, path)
    assert 'train_dataloader.sampler is mmseg_da.InfiniteSampler, wi' in said
    assert not Path('w').exists()


class Started(Exception):
    """Training would begin."""


FEWER = [
    'model.decode_head.num_classes=3',
    'model.decode_head.channels=3',
    'default_hooks.adversarial.discriminator.in_channels=3',
    *(
        f'{split}_dataloader.dataset.metainfo.classes=[road,sky,car]'
        for split in ('train', 'val', 'test')
    ),
]


def test_fine_tuning_with_other_classes(
    tools, config, folder: Path, checkpoint: Path, capsys
) -> None:
    options = [*FEWER, f'load_from={checkpoint}']
    assert 'that fit, with --partial-load.' in refusal(tools, config, *options)
    load = Runner.load_or_resume

    def load_and_stop(runner) -> None:
        load(runner)
        raise Started(runner.model.state_dict())

    with (
        patch.object(Runner, 'load_or_resume', load_and_stop),
        pytest.raises(Started) as started,
    ):
        train(tools, config, *options, words=('--partial-load',))
    (weights,) = started.value.args
    for name, value in load_file(checkpoint)['state_dict'].items():
        fits = value.shape == weights[name].shape
        assert torch.equal(value, weights[name]) if fits else 'head' in name
    said = capsys.readouterr().err
    assert re.search(
        r'\d+ of \d+ tensors are taken from .*iter_2\.pth; of another shape, '
        r'so left as initialized: decode_head\..* is \(19, .* file and \(3, ',
        said,
    )
    assert 'backbone' not in said
    assert 'the state of adaptation terms and all else (' in said
    torch.save({'state_dict': {'x': torch.ones(1)}}, 'other.pth')
    options[-1] = 'load_from=other.pth'
    said = refusal(tools, config, *options, words=('--partial-load',))
    assert said.startswith('No weight of other.pth fits the model of the con')


@pytest.mark.parametrize('missing', ['optimizer', 'message_hub', 'meta.iter'])
def test_weights_alone_cannot_be_resumed(
    tools, config, folder: Path, checkpoint: Path, missing: str
) -> None:
    content = load_file(checkpoint)
    key, _, inner = missing.partition('.')
    (content if not inner else content[key]).pop(inner or key)
    torch.save(content, 'a.pth')
    said = refusal(tools, config, 'load_from=a.pth', words=('--resume',))
    assert f'a.pth cannot be resumed, because it has no {missing}: st' in said


@pytest.mark.parametrize(
    ('error', 'said', 'code'),
    [
        (InputError('Give a file.'), 'tool.py: Give a file.', 1),
        (KeyboardInterrupt(), 'Stopped by Ctrl-C.', 130),
        (
            OSError(errno.ENOSPC, 'No space left', 'a.png'),
            'tool.py: a.png cannot be written (No space left): free some',
            1,
        ),
        (OSError(errno.ENOENT, 'No such file'), None, None),
    ],
)
def test_how_every_tool_ends(monkeypatch, capsys, error, said, code) -> None:
    monkeypatch.setattr('sys.argv', ['tools/tool.py'])
    with (
        pytest.raises((SystemExit, FileNotFoundError)) as end,
        one_sentence_errors(),
    ):
        raise error
    if said is None:
        assert end.value is error
    else:
        assert said in f'{end.value.code}\n{capsys.readouterr().err}'
        # Python prints a text and ends with 1.
        found = 1 if isinstance(end.value.code, str) else end.value.code
        assert found == code

"""Weights of every wrong kind end in one sentence that names their file."""

import re
from pathlib import Path
from unittest.mock import patch
from urllib.error import URLError

import pytest
import torch
from sentence import sentence

from mmseg_da.errors import InputError
from mmseg_da.utils.safe_load import load_file


def other(state: dict) -> dict:
    return {name: value[..., :1] for name, value in state.items()}


CHECKPOINTS = {
    'no file': (None, r'a\.pth does not exist'),
    'zero bytes': (b'', r'a\.pth is no checkpoint, or a damaged one'),
    'text': (b'weights', r'a\.pth is no checkpoint, or a damaged one'),
    'archive': (b'PK\x03\x04', r'a\.pth is no checkpoint, or a damaged one'),
    'list': ([1, 2], r'a\.pth holds no weights under the key state_dict'),
    'no weights': ({'state_dict': {}}, r'a\.pth holds no weights under the'),
    'text as weights': (
        {'state_dict': {'a': 'b'}},
        r'a\.pth holds no weights',
    ),
    'other names': (
        {'state_dict': {'x': torch.zeros(1)}},
        r'a\.pth is of another architecture than the config: .* are missing',
    ),
    'meta is a list': (
        {'state_dict': {}, 'meta': ['config']},
        r'a\.pth has a list for meta, but MMEngine writes a dict',
    ),
}


@pytest.mark.parametrize('name', CHECKPOINTS)
@pytest.mark.parametrize('tool', ['test', 'adapt_bn'])
def test_checkpoint(tools, config, folder: Path, tool, name: str) -> None:
    content, text = CHECKPOINTS[name]
    path = folder / 'a.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(InputError) as error:
        tools[tool]([str(config), str(path)])
    assert re.search(text, sentence(error.value)), error.value


def test_truncated_checkpoint_and_other_shapes(
    tools, config, folder: Path, checkpoint: Path
) -> None:
    data = checkpoint.read_bytes()
    words = [str(config), 'a.pth', '--work-dir', 'w']
    Path('a.pth').write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r'a\.pth is no checkpoint, or a dam'):
        tools['test'](words)
    option = ['--cfg-options', 'model.backbone.spatial_channels=(8,16,24)']
    Path('a.pth').write_bytes(data)
    with pytest.raises(InputError, match=r'have another shape, and 0 are too'):
        tools['test'](words + option)
    for resume in (False, True):
        start = ['load_from=a.pth', f'resume={resume}']
        with pytest.raises(InputError, match=r'architecture than the config'):
            tools['train'](words[:1] + words[2:] + option + start)


NAME = 'backbone.context_path'
PRETRAINED = f'model.{NAME}.init_cfg'


@pytest.fixture
def pretrained(tools, config: Path, folder: Path):
    """Trains with pretrained weights, given as ``init_cfg``."""

    def train(**init) -> None:
        init = dict(type='Pretrained', _delete_=True, **init)
        Path('pretrained.py').write_text(
            f'_base_ = {str(config)!r}\nmodel = dict(backbone=dict('
            f'context_path=dict(init_cfg={init!r})))'
        )
        tools['train'](['pretrained.py', '--work-dir', 'w'])

    return train


@pytest.mark.parametrize(
    'init, text',
    [
        (
            dict(checkpoint='/tmp/missing.pth'),
            rf"{PRETRAINED}\.checkpoint is '/tmp/missing\.pth', which is no "
            rf'file: give a \.pth file .*--cfg-options {PRETRAINED}=None',
        ),
        (dict(checkpoint='.'), rf"{PRETRAINED}\.checkpoint is '\.', which is"),
        (
            dict(checkpoint=3),
            rf'{PRETRAINED}\.checkpoint is 3 \(int\), but it',
        ),
        (dict(), rf'{PRETRAINED}\.checkpoint is None \(NoneType\), but it'),
    ],
)
def test_no_pretrained_file(pretrained, init: dict, text: str) -> None:
    with pytest.raises(InputError) as error:
        pretrained(**init)
    assert re.search(text, sentence(error.value)), error.value
    assert not Path('w').exists()


ZERO = torch.zeros(())
WEIGHTS = {
    'other names': (
        {'state_dict': {'x.weight': ZERO}},
        r"a\.pth fit no parameter of ResNet: they are named like 'x\.weight', "
        r"and ResNet has 'conv1\.weight' of shape \(8, 3, 7, 7\); give",
    ),
    # Which fits, and teaches nothing.
    'counter alone': (
        {'bn1.num_batches_tracked': ZERO.long(), 'conv1.weight': ZERO},
        r'a\.pth fit no parameter of ResNet',
    ),
    'text as weights': ({'conv1.weight': 'b'}, r'a\.pth fit no parameter of'),
    'no weights': ({'state_dict': {}}, r"they are named like '', and ResNet"),
    'list': ([1, 2], r'a\.pth cannot be loaded into ResNet \(No state_dict'),
    'list of weights': (
        {'state_dict': [1]},
        r'a\.pth cannot be loaded into ResNet \(No state_dict',
    ),
    'damaged': (b'PK', r'a\.pth is no checkpoint, or a damaged one'),
}


@pytest.mark.parametrize('name', WEIGHTS)
def test_pretrained_weights_that_do_not_fit(pretrained, name: str) -> None:
    content, text = WEIGHTS[name]
    path = Path('a.pth')
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(InputError) as error:
        pretrained(checkpoint='a.pth')
    assert re.search(text, sentence(error.value)), error.value


def test_pretrained_weights_that_cannot_be_fetched(pretrained) -> None:
    with (
        patch('mmseg_da.utils.safe_load._load_url', side_effect=URLError('x')),
        pytest.raises(InputError) as error,
    ):
        pretrained(checkpoint='https://nowhere/a.pth')
    text = (
        rf'weights https://nowhere/a\.pth of {PRETRAINED} cannot be fetched '
        rf'\(.*--cfg-options {PRETRAINED}\.checkpoint=FILE, or train from '
        rf'scratch with --cfg-options {PRETRAINED}=None'
    )
    assert re.search(text, sentence(error.value)), error.value


class Started(Exception):
    """Training would begin."""


def test_pretrained_weights_of_a_part_of_a_file(
    pretrained, checkpoint: Path
) -> None:
    with pytest.raises(InputError, match=r'names. prefix as init_cfg\.prefix'):
        pretrained(checkpoint=str(checkpoint))
    with pytest.raises(InputError, match=r'nose\. is not in the pretrained'):
        pretrained(checkpoint=str(checkpoint), prefix='nose')

    def stop(runner) -> None:
        raise Started(runner.model.backbone.context_path.conv1.weight)

    with (
        patch('mmengine.runner.Runner.load_or_resume', stop),
        pytest.raises(Started) as started,
    ):
        pretrained(checkpoint=str(checkpoint), prefix=NAME)
    (weight,) = started.value.args
    state = load_file(checkpoint)['state_dict']
    assert torch.equal(weight, state[f'{NAME}.conv1.weight'])


@pytest.mark.parametrize(
    'weights, text',
    [
        ('[1.0,2.0]', r'decode_head\.loss_decode .* has 2 values, .*=19'),
        ('here.json', r'here\.json cannot be read .*: write it'),
    ],
)
def test_class_weights(tools, config, folder: Path, weights, text) -> None:
    key = 'model.decode_head.loss_decode.class_weight'
    words = [str(config), '--cfg-options', f'{key}={weights}']
    with (
        patch('mmengine.runner.Runner.train', side_effect=AssertionError),
        pytest.raises(InputError) as error,
    ):
        tools['train'](words)
    assert re.search(text, sentence(error.value)), error.value


def test_predicting_needs_no_class_weights(
    tools, config, folder: Path, checkpoint: Path
) -> None:
    key = 'model.decode_head.loss_decode.class_weight'
    words = [str(config), str(checkpoint), '--cfg-options', f'{key}=no.json']
    tools['test']([*words, '--work-dir', 'w'])

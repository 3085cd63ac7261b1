"""What load_weights takes and what it refuses, and in which words."""

import os

import pytest
import torch
from mmengine.logging import HistoryBuffer
from torch import nn

from mmseg_da.errors import InputError
from mmseg_da.utils.checkpoint import load_weights


class Net(nn.Module):
    def __init__(self, width=2, auxiliary=False):
        super().__init__()
        self.backbone = nn.Conv2d(3, width, 1)
        self.decode_head = nn.Conv2d(width, 2, 1)
        if auxiliary:
            self.auxiliary_head = nn.Conv2d(width, 2, 1)


@pytest.fixture
def file(tmp_path):
    return tmp_path / 'net.pth'


def same(a, b):
    names = ('backbone.weight', 'decode_head.bias')
    own, other = a.state_dict(), b.state_dict()
    return all(torch.equal(own[n], other[n]) for n in names)


@pytest.mark.parametrize('wrap', [dict, lambda s: {'state_dict': s}])
def test_plain_and_mmengine_checkpoints_load(file, wrap):
    source, model = Net(), Net()
    torch.save(wrap(source.state_dict()), file)
    load_weights(model, file)
    assert same(model, source)


def test_history_and_prefix_of_distributed_training_load(file):
    source, model = Net(), Net()
    state = {f'module.{k}': v for k, v in source.state_dict().items()}
    hub = {'loss': HistoryBuffer([1.0, 2.0], [1, 1])}
    torch.save({'state_dict': state, 'message_hub': hub}, file)
    load_weights(model, file)
    assert same(model, source)


def test_the_teacher_loads_instead(file):
    """As EMATeacher keeps it: the average's steps and its module."""
    teacher, model = Net(), Net()
    state = {f'module.{k}': v for k, v in teacher.state_dict().items()}
    state['steps'] = torch.tensor(7)
    content = {'state_dict': Net().state_dict()}
    torch.save(content, file)
    with pytest.raises(InputError, match='holds no teacher: leave out --te'):
        load_weights(model, file, teacher=True)
    torch.save({**content, 'adaptation': dict(teacher=state)}, file)
    load_weights(model, file, teacher=True)
    assert same(model, teacher)


@pytest.mark.parametrize('in_file', [True, False])
def test_auxiliary_heads_may_be_on_one_side_only(file, in_file):
    source, model = Net(auxiliary=in_file), Net(auxiliary=not in_file)
    torch.save(source.state_dict(), file)
    load_weights(model, file)
    assert same(model, source)


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_objects_that_carry_code_are_refused_and_do_not_run(file, tmp_path):
    trap = tmp_path / 'ran'
    content = {'state_dict': Net().state_dict(), 'meta': Evil(trap)}
    torch.save(content, file)
    with pytest.raises(InputError, match=r'carries code \(\w+\.mkdir\)'):
        load_weights(Net(), file)
    torch.save(content, file, _use_new_zipfile_serialization=False)
    with pytest.raises(InputError, match=r'carries code'):
        load_weights(Net(), file)
    assert not trap.exists()


class Reach:
    """Reaches for what an allowed type has, to call it next."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


def test_getattr_reaches_the_history_s_statistics_alone(file):
    torch.save({'state_dict': Net().state_dict(), 'x': Reach()}, file)
    with pytest.raises(InputError, match=r'carries code \(getattr\)'):
        load_weights(Net(), file)


def test_other_classes_are_refused_by_name(file):
    torch.save({'state_dict': {}, 'x': torch.nn.Conv2d(1, 1, 1)}, file)
    with pytest.raises(InputError, match=r'torch\.nn\.modules\.conv\.Conv2d'):
        load_weights(Net(), file)


def damaged(file):
    torch.save(Net().state_dict(), file)
    file.write_bytes(file.read_bytes()[:700])


@pytest.mark.parametrize(
    'write',
    [
        damaged,
        lambda file: file.write_bytes(b''),
        lambda file: file.write_text('no pickle at all'),
        lambda file: file.write_bytes(b'\x89PNG\r\n\x1a\n' + bytes(99)),
    ],
)
def test_what_is_no_checkpoint_is_told(file, write):
    write(file)
    with pytest.raises(InputError, match=r'net\.pth is no checkpoint'):
        load_weights(Net(), file)


def test_missing_file_and_missing_weights_are_told(file):
    with pytest.raises(InputError, match=r'net\.pth does not exist'):
        load_weights(Net(), file)
    for content in ([1], {'state_dict': {'a': 1}}, {}):
        torch.save(content, file)
        with pytest.raises(InputError, match='no weights under the key'):
            load_weights(Net(), file)


def test_another_architecture_is_told_with_its_first_difference(file):
    torch.save(Net(width=3).state_dict(), file)
    model = Net()
    before = model.backbone.weight.clone()
    with pytest.raises(
        InputError,
        match=r'of 4 tensors 0 are missing and 3 have another shape, and 0 '
        r'are too many \(backbone.weight is \(3, 3, 1, 1\) in the file and '
        r'\(2, 3, 1, 1\) in the model\)',
    ):
        load_weights(model, file)
    assert torch.equal(model.backbone.weight, before)
    state = Net().state_dict()
    state['neck.weight'] = state.pop('backbone.bias')
    torch.save(state, file)
    with pytest.raises(
        InputError, match=r'1 are missing .* \(backbone.bias is not in'
    ):
        load_weights(Net(), file)
    state['backbone.bias'] = state['neck.weight']
    torch.save(state, file)
    with pytest.raises(InputError, match=r'neck.weight is not in the model'):
        load_weights(Net(), file)

import json
from pathlib import Path

import pytest
import torch
from sentence import sentence
from torch import nn

from launch import check_class_weights
from mmseg_da.errors import InputError
from mmseg_da.models.losses import CrossEntropyLoss, load_class_weight


def write(path, weights, classes=('road', 'car', 'bike')):
    statistics = dict(
        classes=list(classes),
        pixel_counts=[1] * len(classes),
        image_counts=[1] * len(classes),
        frequencies=[0.1] * len(classes),
        median_frequency_weights=weights,
    )
    path.write_text(json.dumps(statistics))
    return str(path)


BALANCED = dict(power=0.5, clip=(0.3, 4.0))


def test_power_and_clip(tmp_path):
    """0.04 to 0.3, 25 to 4, 2.25 to 1.5; the absent class counts as 1."""
    path = write(
        tmp_path / 'weights.json', [0.04, 25, 2.25, 25], tuple('abcd')
    )
    statistics = json.loads(Path(path).read_text())
    statistics['pixel_counts'][3] = 0
    Path(path).write_text(json.dumps(statistics))
    weights = dict(BALANCED, file=path)
    assert load_class_weight(weights) == [0.3, 4.0, 1.5, 1.0]
    assert load_class_weight(dict(file=path)) == [0.04, 25, 2.25, 1.0]
    assert load_class_weight(path) == [0.04, 25, 2.25, 25]
    loss = CrossEntropyLoss(class_weight=weights)
    assert loss.class_weight.tolist() == pytest.approx([0.3, 4.0, 1.5, 1.0])


@pytest.mark.parametrize(
    'settings, found',
    [
        (dict(power=0), 'class_weight.power is 0; give a positive number'),
        (dict(power='2'), "class_weight.power is '2'; give"),
        (
            dict(clip=(4.0, 0.3)),
            r'class_weight.clip is \(4.0, 0.3\); give the',
        ),
        (dict(clip=3), 'class_weight.clip is 3; give the smallest'),
        (dict(file=None), 'class_weight.file is None; give the path'),
        (dict(powr=2), "class_weight has the key 'powr'; expected a dict"),
    ],
)
def test_bad_settings(tmp_path, settings, found):
    path = write(tmp_path / 'weights.json', [1, 2, 3])
    with pytest.raises(InputError, match=found) as error:
        load_class_weight({'file': path, **settings})
    sentence(error.value)


def test_load(tmp_path):
    path = write(tmp_path / 'weights.json', [0.5, 1, 4])
    assert load_class_weight(path) == [0.5, 1.0, 4.0]
    assert load_class_weight((1, 2)) == [1.0, 2.0]
    loss = CrossEntropyLoss(class_weight=path)
    assert loss.class_weight.tolist() == [0.5, 1.0, 4.0]


@pytest.mark.parametrize(
    'weights, found',
    [
        ([1, 2], 'has 2 values, but there are 3 classes'),
        ([1, 0, 2], 'has 0 for class 1'),
        ([1, 1, -2.5], 'has -2.5 for class 2'),
        ([float('nan'), 1, 1], 'has nan for class 0'),
        ([float('inf'), 1, 1], 'has inf for class 0'),
        ([None, 1, 1], 'has None for class 0'),
        (['1', 1, 1], "has '1' for class 0"),
        ([True, 1, 1], 'has True for class 0'),
        (3, 'is 3; give a list'),
        ('abc', "is 'abc'; give a list"),
    ],
)
def test_bad_weights(tmp_path, weights, found):
    path = write(tmp_path / 'weights.json', weights)
    with pytest.raises(InputError) as error:
        load_class_weight(path)
    assert found in str(error.value)
    assert path in str(error.value)
    if isinstance(weights, list) and len(weights) == 3:
        with pytest.raises(InputError, match='class_weight has'):
            load_class_weight(weights)


@pytest.mark.parametrize('settings', [None, BALANCED])
def test_missing_file_says_the_command(tmp_path, settings):
    path = tmp_path / 'weights.json'
    command = f'python tools/analysis/class_statistics.py CONFIG --out {path}'
    weights = str(path) if settings is None else dict(settings, file=str(path))
    loss = CrossEntropyLoss(class_weight=weights)
    # To predict, nothing needs it.
    model = nn.Module()
    model.num_classes, model.loss_decode = 3, loss
    logits, labels = torch.zeros(1, 3, 2, 2), torch.ones(1, 2, 2).long()
    for use in (
        lambda: loss(logits, labels),
        lambda: check_class_weights(model),
    ):
        with pytest.raises(InputError) as error:
            use()
        assert str(path) in str(error.value)
        assert command in str(error.value)
    write(path, [1, 4, 3] if settings is None else [1, 16, 9])
    check_class_weights(model)
    assert loss.class_weight.tolist() == [1, 4, 3]
    with pytest.raises(InputError, match='cannot be read'):
        load_class_weight(str(tmp_path))


@pytest.mark.parametrize('text', ['', '{', '[1, 2]', '{"classes": []}', '3'])
def test_other_files(tmp_path, text):
    path = tmp_path / 'weights.json'
    path.write_text(text)
    with pytest.raises(
        InputError, match='class_weight: .* is no class statistics JSON'
    ):
        load_class_weight(str(path))


def test_check_against_the_heads():
    class Head(nn.Module):
        def __init__(self, num_classes, *weights):
            super().__init__()
            self.num_classes = num_classes
            self.loss_decode = nn.ModuleList(
                CrossEntropyLoss(class_weight=weight) for weight in weights
            )

    check_class_weights(nn.ModuleDict(dict(head=Head(3, None, [1, 2, 3]))))
    model = nn.ModuleDict(dict(head=Head(19, None, [1, 2, 3])))
    with pytest.raises(InputError, match=r'head\.loss_decode.*3 .*19'):
        check_class_weights(model)

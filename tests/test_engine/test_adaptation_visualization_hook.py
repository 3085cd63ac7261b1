"""Pictures of the adaptation: what they show, and that they change nothing."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from toy import SOURCE_SIZE, largest_difference, train, with_terms

from mmseg_da.engine import AdaptationVisualizationHook
from mmseg_da.engine.adaptation_visualization_hook import (
    CELL_WIDTH,
    paint,
    tile,
)
from mmseg_da.errors import InputError

SIZE = 'default_hooks.adaptation.target_dataloader.dataset.size'
PICTURES = {
    'default_hooks.pictures': dict(
        type='mmseg_da.AdaptationVisualizationHook', interval=3
    ),
    'visualizer': dict(
        type='Visualizer', vis_backends=[dict(type='LocalVisBackend')]
    ),
}
# Random numbers, a network of its own, BatchNorm in the teacher: all that a
# picture could disturb.
EVERYTHING = {
    **with_terms(
        adversary=True,
        teacher=dict(type='mmseg_da.EMATeacher', batch_norm='batch'),
        mix=dict(
            type='mmseg_da.ClassMixTerm',
            pseudo_labels='image',
            threshold=0.25,
        ),
        masked=dict(
            type='mmseg_da.MaskedConsistencyTerm', block_size=16, threshold=0.2
        ),
    ),
    SIZE: SOURCE_SIZE,
    'model.decode_head.dropout_ratio': 0.3,
}


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    """A trained runner that drew twice, and its titles and pictures."""
    shown = []

    def keep(pictures):
        shown.append(pictures)
        return tile(pictures)

    with pytest.MonkeyPatch.context() as patch:
        module = 'mmseg_da.engine.adaptation_visualization_hook'
        patch.setattr(f'{module}.tile', keep)
        folder = tmp_path_factory.mktemp('drawn')
        runner = train(folder, {**EVERYTHING, **PICTURES})
    return runner, torch.get_rng_state(), shown


def test_pictures_change_no_bit_of_training(drawn, tmp_path):
    runner, state, _ = drawn
    plain = train(tmp_path, EVERYTHING)
    assert torch.equal(state, torch.get_rng_state())
    ours, theirs = runner.model.state_dict(), plain.model.state_dict()
    assert largest_difference(ours, runner.start.model, 'conv') > 1e-3
    assert largest_difference(ours, theirs) == 0
    for part in ('terms.adversarial.discriminator', 'teacher.average'):
        ours, theirs = (
            _get(one.adaptation, part).state_dict() for one in (runner, plain)
        )
        assert largest_difference(ours, theirs) == 0


def test_pictures_leave_balanced_thresholds_alone(tmp_path):
    mix = dict(type='mmseg_da.ClassMixTerm', pseudo_labels='balanced')
    overrides = {
        **with_terms(teacher=dict(type='mmseg_da.EMATeacher'), mix=mix),
        SIZE: SOURCE_SIZE,
    }
    drawn, plain = (
        train(tmp_path / name, {**overrides, **more})
        for name, more in (('drawn', PICTURES), ('plain', {}))
    )
    assert list(tmp_path.glob('drawn/*/vis_data/vis_image/*'))
    ours, theirs = (
        one.adaptation.terms['mix'].class_thresholds.values
        for one in (drawn, plain)
    )
    assert torch.equal(ours.nan_to_num(), theirs.nan_to_num())
    ours, theirs = drawn.model.state_dict(), plain.model.state_dict()
    assert largest_difference(ours, theirs) == 0


def _get(thing, path):
    for name in path.split('.'):
        thing = (
            thing[name] if isinstance(thing, dict) else getattr(thing, name)
        )
    return thing


def test_a_picture_shows_what_was_trained_on(drawn):
    runner, _, shown = drawn
    assert len(shown) == 2
    first = {title.partition(',')[0]: one for title, one in shown[0].items()}
    assert list(first) == [
        *('source image', 'source label', 'target image', 'prediction'),
        *('entropy', 'pseudo-label', 'confidence'),
        *('mixed image', 'mixed label', 'weight of the mixed label'),
        *('masked image', 'taken for source'),
    ]
    images = runner.train_dataloader.dataset.images
    # BGR in the data set, RGB in the picture.
    known = [np.moveaxis(one.numpy()[::-1], 0, -1) for one in images]
    assert any((first['source image'] == one).all() for one in known)
    # The palette's red says the class.
    assert set(np.unique(first['prediction'])) <= set(range(5))
    # Pasted pixels keep the source's label.
    same = (first['mixed label'] == first['source label']).all(-1)
    assert same.mean() > 0.3
    folder = runner.visualizer.get_backend('LocalVisBackend')._img_save_dir
    for step in (3, 6):
        picture = cv2.imread(f'{folder}/adaptation_{step}.png')
        assert picture.shape[1] > 4 * CELL_WIDTH


def test_the_teachers_distance_is_logged(drawn):
    runner, _, _ = drawn
    backend = runner.visualizer.get_backend('LocalVisBackend')
    lines = Path(backend._scalar_save_file).read_text().splitlines()
    found = {
        line['step']: line['train/teacher_distance']
        for line in map(json.loads, lines)
        if 'train/teacher_distance' in line
    }
    assert found.keys() == {3, 6}
    assert 0 < found[3] < 1


def test_painting():
    """Images are denormalised, maps and labels coloured."""
    preprocessor = torch.nn.Module()
    preprocessor.mean, preprocessor.std = torch.tensor(100.0), torch.tensor(2)
    image = paint(torch.full((3, 2, 2), 5.0), preprocessor, [])
    assert (image == 110).all()
    label = torch.tensor([[0, 1, 255]])
    painted = paint(label, preprocessor, [[1, 2, 3], [4, 5, 6]])
    assert painted.tolist() == [[[1, 2, 3], [4, 5, 6], [0, 0, 0]]]
    low, high = paint(torch.tensor([[0.0, 1.0]]), preprocessor, [])[0]
    # From dark blue to yellow.
    assert low[2] > low[1] and high[0] > 200 > high[2]
    assert tile({str(i): image for i in range(5)}).shape[0] > 800


def test_an_interval_below_one_is_refused():
    with pytest.raises(InputError, match='interval .* is 0'):
        AdaptationVisualizationHook(interval=0)

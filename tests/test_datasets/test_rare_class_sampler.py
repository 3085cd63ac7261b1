"""Rare class sampling against a literal draw."""

import json
import math
from itertools import islice
from pathlib import Path

import mmengine.dataset.sampler as mmengine_sampler
import numpy as np
import pytest
from mmengine.dataset import ConcatDataset
from mmseg.registry import DATA_SAMPLERS
from sentence import sentence

from mmseg_da.datasets import GTA5Dataset, RareClassSampler
from mmseg_da.datasets.samplers import mix_seed
from mmseg_da.errors import InputError

CLASSES = list(GTA5Dataset.METAINFO['classes'])
# Pixels of road, sidewalk, car and bicycle in three of four images each.
COUNTS = {
    '00001.png': {0: 5000},
    '00002.png': {0: 4000, 1: 900},
    '00003.png': {0: 4000, 1: 30, 13: 40},
    '00004.png': {0: 4000, 13: 50, 18: 9},
}


@pytest.fixture
def statistics(tmp_path: Path) -> dict:
    """Statistics of the fixture's first four images, and the others' road."""
    files = {
        f'{i:05d}.png': COUNTS.get(f'{i:05d}.png', {0: 2000})
        for i in range(1, 11)
    }
    rows = {
        name: [counts.get(c, 0) for c in range(19)]
        for name, counts in files.items()
    }
    return dict(
        classes=CLASSES,
        pixel_counts=np.sum(list(rows.values()), axis=0).tolist(),
        files=rows,
    )


@pytest.fixture
def make(gta5: Path, tmp_path: Path, statistics: dict):
    path = tmp_path / 'statistics.json'
    dataset = GTA5Dataset(data_root=str(gta5))

    def make(content=statistics, dataset=dataset, **kwargs):
        path.write_text(json.dumps(content))
        settings = dict(statistics=str(path), min_pixels=30, temperature=0.05)
        return DATA_SAMPLERS.build(
            dict(
                type='mmseg_da.RareClassSampler',
                dataset=dataset,
                seed=5,
                **{**settings, **kwargs},
            )
        )

    return make


def take(sampler: RareClassSampler, number: int) -> list:
    return [(int(i), i.seed) for i in islice(iter(sampler), number)]


def test_equals_a_literal_draw(make, statistics) -> None:
    total = sum(statistics['pixel_counts'])
    chances = []
    for label in range(19):
        frequency = statistics['pixel_counts'][label] / total
        chances.append(math.exp((1 - frequency) / 0.05))
        # Nine pixels of bicycle, in one image, are below min_pixels.
        if label not in (0, 1, 13):
            chances[-1] = 0
    chances = np.array(chances) / sum(chances)
    holders = {0: range(10), 1: [1, 2], 13: [2, 3]}
    expected = []
    for place in range(200):
        draw = np.random.default_rng([5, place, 1])
        label = draw.choice(19, p=chances)
        index = holders[label][draw.integers(len(holders[label]))]
        expected.append((index, mix_seed(5, place)))
    found = take(make(), 200)
    assert found == expected
    # A uniform draw would give images 1 to 3 three times in ten.
    assert sum(index in (1, 2, 3) for index, _ in found) > 150


def test_skip_is_exact_on_every_rank(make, monkeypatch) -> None:
    stream = take(make(), 30)
    for rank in range(3):
        monkeypatch.setattr(
            mmengine_sampler, 'get_dist_info', lambda r=rank: (r, 3)
        )
        assert take(make(), 10) == stream[rank::3]
        sampler = make()
        sampler.skip(7)
        assert take(sampler, 3) == stream[rank::3][7:]


def test_joined_data_sets(make, gta5: Path) -> None:
    dataset = GTA5Dataset(data_root=str(gta5))
    parts = [dataset.get_subset(4), dataset.get_subset(-6)]
    assert take(make(dataset=ConcatDataset(parts)), 20) == take(make(), 20)


@pytest.mark.parametrize(
    ('change', 'found'),
    [
        (dict(statistics=None), 'names no statistics: set train_dataloader'),
        (dict(statistics='no.json'), r'no\.json cannot be read'),
        (
            dict(temperature=0),
            'sampler.temperature is 0, but it must be a pos',
        ),
        (
            dict(min_pixels=-3),
            'sampler.min_pixels is -3, but it must be a pos',
        ),
        (dict(min_pixels=9999), 'min_pixels is 9999, but no image of'),
        (dict(files=None), 'holds no counts of each file: write it anew'),
        (dict(files={}), 'lacks 10 of 10 images .* such as 00001.png: wr'),
        (dict(classes=list('s' * 19)), 'counts other classes than the'),
    ],
)
def test_refuses(make, statistics, change, found) -> None:
    content = dict(statistics)
    for key in ('files', 'classes'):
        if key in change:
            content[key] = change.pop(key)
            if content[key] is None:
                del content[key]
    with pytest.raises(InputError, match=found) as error:
        make(content, **change)
    sentence(error.value)

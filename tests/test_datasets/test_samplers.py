"""The stream of samples and the seeds it carries."""

import pickle
import random
from itertools import islice
from pathlib import Path

import mmengine.dataset.sampler as mmengine_sampler
import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset
from mmengine.dataset import InfiniteSampler as MMEngineSampler
from mmseg.registry import DATA_SAMPLERS
from tiny_data import write_label
from torch.utils.data import DataLoader

from mmseg_da.datasets import GTA5Dataset, InfiniteSampler, SeededIndex


def take(sampler: InfiniteSampler, count: int) -> list:
    return [(int(i), i.seed) for i in islice(iter(sampler), count)]


def make(size: int = 7, **kwargs) -> InfiniteSampler:
    return InfiniteSampler(range(size), **{'seed': 5, **kwargs})


def test_indices_are_mmengines() -> None:
    config = {'type': 'mmseg_da.InfiniteSampler', 'dataset': range(7)}
    sampler = DATA_SAMPLERS.build({**config, 'seed': 5})
    assert isinstance(sampler, InfiniteSampler)
    plain = list(islice(iter(MMEngineSampler(range(7), seed=5)), 30))
    assert [index for index, _ in take(sampler, 30)] == plain
    seeds = [seed for _, seed in take(make(), 30)]
    assert len(set(seeds)) == 30
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert set(seeds).isdisjoint(s for _, s in take(make(seed=6), 30))


@pytest.mark.parametrize('place', [0, 1, 6, 7, 20])
def test_skip_is_exact(place: int) -> None:
    stream = take(make(), 40)
    sampler = make()
    sampler.skip(place)
    assert take(sampler, 40 - place) == stream[place:]
    # absolute, so a second call does not add up
    sampler.skip(place)
    assert take(sampler, 3) == stream[place : place + 3]
    with pytest.raises(ValueError, match='-1'):
        sampler.skip(-1)


def test_dropping_an_iterator_keeps_the_stream() -> None:
    stream = take(make(), 10)
    sampler = make()
    assert take(sampler, 4) == stream[:4]
    assert take(sampler, 6) == stream[4:]


@pytest.mark.parametrize('place', [0, 5])
def test_ranks_share_one_stream(
    monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    stream = take(make(), 30)
    for rank in range(3):
        monkeypatch.setattr(
            mmengine_sampler, 'get_dist_info', lambda r=rank: (r, 3)
        )
        sampler = make()
        sampler.skip(place)
        assert take(sampler, 10 - place) == stream[rank::3][place:]


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_index_keeps_its_seed(protocol: int) -> None:
    index = pickle.loads(pickle.dumps(SeededIndex(9, 4), protocol))
    for value, result in ((9, index), (2, index - 7), (1, index % 4)):
        assert type(result) is SeededIndex
        assert (int(result), result.seed) == (value, 4)


class Draw:
    """A transform that reports what the three generators give."""

    def __call__(self, results: dict) -> dict:
        return {
            'path': results['img_path'],
            'draws': (
                random.random(),
                float(np.random.rand()),
                float(torch.rand(1)),
            ),
        }


def load(dataset, workers: int, count: int, skip: int = 0) -> list:
    sampler = InfiniteSampler(dataset, seed=11)
    sampler.skip(skip)
    loader = DataLoader(
        dataset,
        batch_size=2,
        sampler=sampler,
        num_workers=workers,
        collate_fn=list,
    )
    return [s for batch in islice(loader, count) for s in batch]


def test_draws_depend_on_seed_and_place_only(gta5: Path) -> None:
    dataset = GTA5Dataset(data_root=str(gta5), pipeline=[Draw()])
    torch.manual_seed(0)
    expected = load(dataset, workers=0, count=8)
    draws = [value for sample in expected for value in sample['draws']]
    assert len(set(draws)) == len(draws)
    torch.manual_seed(1)
    assert load(dataset, workers=2, count=8) == expected
    assert load(dataset, workers=2, count=5, skip=6) == expected[6:]
    joined = ConcatDataset([dataset.get_subset(5), dataset.get_subset(-5)])
    assert load(joined, workers=0, count=8) == expected


def test_generators_are_restored(gta5: Path) -> None:
    dataset = GTA5Dataset(data_root=str(gta5), pipeline=[Draw()])

    def state() -> list:
        return [random.random(), np.random.rand(), float(torch.rand(1))]

    def seed_all() -> None:
        random.seed(3)
        np.random.seed(3)
        torch.manual_seed(3)

    seed_all()
    expected = state()
    seed_all()
    first = dataset[SeededIndex(0, 1)]
    assert dataset[SeededIndex(0, 1)] == first
    assert dataset[SeededIndex(0, 2)] != first
    assert state() == expected


def test_replacement_of_a_bad_sample_is_reproducible(gta5: Path) -> None:
    for i in (2, 3, 5, 8):
        write_label(gta5 / f'labels/{i:05d}.png', 99)
    dataset = GTA5Dataset(
        data_root=str(gta5),
        skip_bad_samples=True,
        pipeline=[{'type': 'mmseg_da.LoadTrainIds'}, Draw()],
    )
    expected = load(dataset, workers=0, count=10)
    assert load(dataset, workers=2, count=10) == expected
    bad = {'00002', '00003', '00005', '00008'}
    assert bad.isdisjoint(Path(s['path']).stem for s in expected)

"""Endless streams of samples that can be continued anywhere."""

from collections.abc import Iterator, Sized
from itertools import count, islice
from pathlib import PurePath

import numpy as np
from mmengine.dataset import InfiniteSampler as _InfiniteSampler

from mmseg_da.errors import InputError, wrong_value
from mmseg_da.registry import DATA_SAMPLERS
from mmseg_da.utils.files import read_statistics

KEY = 'train_dataloader.sampler'


class SeededIndex(int):
    """A sample's index with the seed of its augmentation, below 2**32."""

    seed: int

    def __new__(cls, index: int, seed: int) -> 'SeededIndex':
        self = super().__new__(cls, index)
        self.seed = seed
        return self

    def __reduce__(self) -> tuple:
        return type(self), (int(self), self.seed)

    # Wrappers such as ConcatDataset and RepeatDataset compute the index in
    # the wrapped data set. The sample keeps its seed there.
    def __sub__(self, other: int) -> 'SeededIndex':
        return type(self)(int(self) - other, self.seed)

    def __mod__(self, other: int) -> 'SeededIndex':
        return type(self)(int(self) % other, self.seed)


def mix_seed(*numbers: int) -> int:
    """Mix several non-negative numbers into one seed, 0 to 2**32 - 1."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


@DATA_SAMPLERS.register_module()
class InfiniteSampler(_InfiniteSampler):
    """MMEngine's endless sampler whose indices carry a seed each.

    The indices are MMEngine's. The seed of each is a mix of the sampler's
    seed and its place in the stream of all ranks, so that a sample's
    augmentation (:meth:`SeededDataset.prepare_data`) does not depend on the
    number of workers, on being resumed, or on other streams.

    Args:
        dataset (Sized): The data set.
        shuffle (bool): Whether to shuffle each round. Defaults to True.
        seed (int, optional): The seed, equal on all ranks. Defaults to None:
            a random one that the ranks agree on.
    """

    def _indices_of_rank(self, start: int = 0) -> Iterator[SeededIndex]:
        indices = islice(super()._indices_of_rank(), start, None)
        for place, index in enumerate(indices, start):
            place_of_all = self.rank + place * self.world_size
            yield SeededIndex(index, mix_seed(self.seed, place_of_all))

    def __iter__(self) -> Iterator[SeededIndex]:
        # Not `yield from`: dropping one iterator would close the stream.
        return self.indices

    def skip(self, num_samples: int) -> None:
        """Leave out this rank's first samples, before iterating."""
        if num_samples < 0:
            raise ValueError(f'num_samples is {num_samples}, below 0')
        self.indices = self._indices_of_rank(num_samples)


@DATA_SAMPLERS.register_module()
class RareClassSampler(InfiniteSampler):
    """Draws images so that rare classes are seen often.

    Rare class sampling of "DAFormer: Improving Network Architectures and
    Training Strategies for Domain-Adaptive Semantic Segmentation" (CVPR
    2022), eq. 6 and 7: first a class, with probability
    ``softmax((1 - f) / T)`` of its frequency f among the labelled pixels,
    then any of the images that hold it. DAFormer's repeated cropping, until
    the class is in the crop, is left out. Each draw depends on the seed and
    the place in the stream of all ranks alone.

    Args:
        dataset (Sized): The data set, or a wrapper with ``get_data_info``.
        statistics (str): JSON that ``tools/analysis/class_statistics.py
            CONFIG --per-file --out FILE`` wrote for the data set. Images are
            found in the file by their file names.
        temperature (float): T; the smaller, the more often the rarest
            classes are drawn. Defaults to 0.01, DAFormer's.
        min_pixels (int): Pixels of a class from which on an image holds the
            class, at the labels' own size. Defaults to 3000, DAFormer's. A
            class that no image holds is never drawn.
        seed (int, optional): As for :class:`InfiniteSampler`.

    Raises:
        InputError: If there are no statistics, or those of other classes or
            images, or an argument is out of range.

    Example:
        >>> train_dataloader = dict(sampler=dict(
        ...     type='mmseg_da.RareClassSampler',
        ...     statistics='data/gta5/class_statistics.json'))
    """

    def __init__(
        self,
        dataset: Sized,
        statistics: str | None = None,
        temperature: float = 0.01,
        min_pixels: int = 3000,
        seed: int | None = None,
    ) -> None:
        super().__init__(dataset, seed=seed)
        settings = dict(temperature=temperature, min_pixels=min_pixels)
        for name, value in settings.items():
            if not 0 < value < float('inf'):
                raise wrong_value(f'{KEY}.{name}', value, 'a positive number')
        if statistics is None:
            raise InputError(
                f'{KEY} draws rare classes but names no statistics: set '
                f'{KEY}.statistics to a JSON that '
                'tools/analysis/class_statistics.py CONFIG --per-file --out '
                'FILE writes.'
            )
        content = read_statistics(statistics)
        counts = self._count(content, statistics)
        self.images = [np.flatnonzero(c >= min_pixels) for c in counts.T]
        held = np.array([len(images) > 0 for images in self.images])
        if not held.any():
            raise InputError(
                f'{KEY}.min_pixels is {min_pixels}, but no image of '
                f'{statistics} has as many pixels of any class: lower it.'
            )
        pixels = np.array(content['pixel_counts'], float)
        logits = (1 - pixels / pixels.sum()) / temperature
        chances = np.where(held, np.exp(logits - logits[held].max()), 0)
        self.chances = chances / chances.sum()

    def _count(self, content: dict, path: str) -> np.ndarray:
        """Pixels of each class in each image of the data set ``(N, C)``."""
        advice = (
            'write it anew with tools/analysis/class_statistics.py CONFIG '
            f'--per-file --out {path}'
        )
        if 'files' not in content:
            raise InputError(
                f'{KEY}.statistics {path} holds no counts of each file: '
                f'{advice}.'
            )
        classes = self.dataset.metainfo['classes']
        if list(classes) != content['classes']:
            raise InputError(
                f'{KEY}.statistics {path} counts other classes than the '
                f'training data set has: {advice}.'
            )
        names = [
            PurePath(self.dataset.get_data_info(i)['img_path']).name
            for i in range(self.size)
        ]
        if missing := [name for name in names if name not in content['files']]:
            raise InputError(
                f'{KEY}.statistics {path} lacks {len(missing)} of '
                f'{len(names)} images of the training data set, such as '
                f'{missing[0]}: {advice}.'
            )
        return np.array([content['files'][name] for name in names])

    def _indices_of_rank(self, start: int = 0) -> Iterator[SeededIndex]:
        first = self.rank + start * self.world_size
        for place in count(first, self.world_size):
            # Apart from the seed of the sample's augmentation.
            draw = np.random.default_rng([self.seed, place, 1])
            label = draw.choice(len(self.chances), p=self.chances)
            images = self.images[label]
            index = int(images[draw.integers(len(images))])
            yield SeededIndex(index, mix_seed(self.seed, place))

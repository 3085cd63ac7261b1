"""An endless stream of samples that can be continued anywhere."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from mmengine.dataset import InfiniteSampler as _InfiniteSampler

from mmseg_da.registry import DATA_SAMPLERS


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
        for index in self.indices:  # noqa: UP028
            yield index

    def skip(self, num_samples: int) -> None:
        """Leave out this rank's first samples, before iterating."""
        if num_samples < 0:
            raise ValueError(f'num_samples is {num_samples}, below 0')
        self.indices = self._indices_of_rank(num_samples)

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset

from mmseg_da.datasets.samplers import SeededIndex, mix_seed
from mmseg_da.errors import InputError


class SeededDataset(BaseSegDataset):
    """Seed each sample's augmentation, and skip unusable samples if asked to.

    Args:
        skip_bad_samples (bool): In training, log and count an unusable
            sample and take another, instead of stopping. The count is that
            of all workers of a rank, since its start. Evaluation stops
            (``test_mode``); the tools refuse it there. Defaults to False.
        **kwargs: As in mmseg's ``BaseSegDataset``.
    """

    def __init__(self, skip_bad_samples: bool = False, **kwargs) -> None:
        self.skip_bad_samples = skip_bad_samples
        self.bad_samples: dict[str, str] = {}
        self._last_seed: int | None = None
        super().__init__(**kwargs)

    @property
    def _skips(self) -> bool:
        return self.skip_bad_samples and not self.test_mode

    def full_init(self) -> None:
        """List the samples, and share a list of bad ones among workers."""
        if self._fully_initialized:
            return
        super().full_init()
        if self._skips:
            # In memory that worker processes share.
            self._is_bad = torch.zeros(len(self), dtype=torch.bool)
            self._is_bad.share_memory_()
            # Ask here: a worker that was not forked does not know its rank.
            self._rank = get_rank()

    def prepare_data(self, idx: int) -> dict | None:
        """Run the pipeline on a sample; None if it is unusable and skipped.

        With a :class:`SeededIndex`, as this package's samplers give it, the
        random generators are seeded for the sample and restored afterwards.
        """
        self._last_seed = getattr(idx, 'seed', None)
        try:
            if self._last_seed is None:
                return super().prepare_data(idx)
            with seeded(self._last_seed):
                return super().prepare_data(int(idx))
        except InputError as error:
            if not self._skips:
                raise
            self._note_bad_sample(int(idx), str(error))
            return None

    def _note_bad_sample(self, idx: int, finding: str) -> None:
        path = self.get_data_info(idx)['img_path']
        self.bad_samples[path] = finding
        is_known = bool(self._is_bad[idx])
        self._is_bad[idx] = True
        count = int(self._is_bad.sum())
        if count == len(self):
            raise InputError(
                f'All {len(self)} samples are unusable; the last: {finding}'
            )
        if is_known:
            return
        print_log(
            f'Skipped sample {path} ({count} of {len(self)} bad so far on '
            f'rank {self._rank}): {finding}',
            logger='current',
            # MMEngine's logger prints nothing less on ranks above 0.
            level=logging.ERROR if self._rank else logging.WARNING,
        )

    def _rand_another(self) -> int:
        """Choose a sample in place of an unusable one.

        The choice follows from the seed of the unusable sample, so that the
        stream of samples is the same for any number of workers.
        """
        if self._last_seed is None:
            return super()._rand_another()
        seed = mix_seed(self._last_seed, 1)
        return SeededIndex(seed % len(self), seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed python's, numpy's and torch's CPU generator for a while.

    Their states are restored afterwards, so what runs inside leaves no trace
    in the training's own random stream. GPU generators are left alone.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])

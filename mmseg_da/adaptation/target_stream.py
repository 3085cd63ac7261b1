import copy
from typing import Self

from mmengine.runner import Runner

from mmseg_da.errors import InputError


class TargetStream:
    """Batches of the target, the same in a run that is resumed.

    Args:
        cfg (dict): See :class:`AdaptationHook`.
        runner (Runner): It gives the seed, the iteration that training starts
            from and the source's loader.
        key (str): The config's key, for messages.

    Raises:
        InputError: If the sampler has no ``skip``, or ends.
    """

    def __init__(self, cfg: dict, runner: Runner, key: str) -> None:
        source = runner.train_dataloader
        cfg = copy.deepcopy(cfg)
        cfg.setdefault('batch_size', source.batch_size)
        cfg.setdefault('num_workers', source.num_workers)
        cfg.setdefault(
            'persistent_workers',
            source.persistent_workers and cfg['num_workers'] > 0,
        )
        cfg.setdefault('sampler', dict(type='mmseg_da.InfiniteSampler'))
        # Seeded apart from the source, so that the two streams do not draw
        # the same permutation and the same augmentations.
        self.loader = runner.build_dataloader(cfg, seed=runner.seed + 1)
        self.key = key
        if not hasattr(self.loader.sampler, 'skip'):
            raise self._wrong_sampler('has no skip()')
        self.loader.sampler.skip(runner.iter * self.loader.batch_size)
        self._batches = iter(self.loader)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> dict:
        batch = next(self._batches, None)
        if batch is None:
            raise self._wrong_sampler('has ended')
        return batch

    def _wrong_sampler(self, found: str) -> InputError:
        kind = type(self.loader.sampler)
        return InputError(
            f'{self.key}.sampler is {kind.__module__}.{kind.__qualname__}, '
            f'which {found}: it must be endless and have skip(), so use '
            'mmseg_da.InfiniteSampler.'
        )

"""What adaptation terms may ask of one training iteration."""

from dataclasses import dataclass, field
from functools import cached_property
from zlib import crc32

import torch
from mmengine.dist import get_rank
from mmengine.runner import Runner
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmseg_da.adaptation.outputs import auxiliary_heads
from mmseg_da.adaptation.teachers import Teacher
from mmseg_da.datasets.samplers import mix_seed
from mmseg_da.errors import InputError


class TargetStream:
    """Batches of the target, the same in a run that is resumed.

    Args:
        cfg (dict): See :class:`AdaptationHook`.
        runner (Runner): At the start of training.
        key (str): The config's key, for messages.

    Raises:
        InputError: If the sampler has no ``skip``, or ends.
    """

    def __init__(self, cfg: dict, runner: Runner, key: str) -> None:
        source = runner.train_dataloader
        workers = cfg.get('num_workers', source.num_workers)
        defaults = dict(
            batch_size=source.batch_size,
            num_workers=workers,
            persistent_workers=source.persistent_workers and workers > 0,
            sampler=dict(type='mmseg_da.InfiniteSampler'),
        )
        # Seeded apart from the source, so that the two streams do not draw
        # the same permutation and the same augmentations.
        loader = runner.build_dataloader(
            {**defaults, **cfg}, seed=runner.seed + 1
        )
        self.key = key
        self.sampler = loader.sampler
        if not hasattr(self.sampler, 'skip'):
            raise self._wrong_sampler('has no skip()')
        self.sampler.skip(runner.iter * loader.batch_size)
        self._batches = iter(loader)

    def __next__(self) -> dict:
        batch = next(self._batches, None)
        if batch is None:
            raise self._wrong_sampler('has ended')
        return batch

    def _wrong_sampler(self, found: str) -> InputError:
        kind = type(self.sampler)
        return InputError(
            f'{self.key}.sampler is {kind.__module__}.{kind.__qualname__}, '
            f'which {found}: it must be endless and have skip(), so use '
            'mmseg_da.InfiniteSampler.'
        )


@dataclass(eq=False)
class Iteration:
    """One training iteration; each thing is computed when first asked for."""

    #: The bare segmentor, without DDP.
    segmentor: nn.Module
    #: The source batch: ``inputs`` ``(N, 3, H, W)`` and ``data_samples``.
    source: dict
    #: Gives the target batch.
    stream: TargetStream
    #: The iteration, from 0.
    number: int
    #: The run's.
    seed: int
    #: Which of the head's outputs is adapted.
    output_index: int
    #: Whether any term needs gradients of the target's logits.
    with_gradient: bool
    #: Labels the target.
    teacher: Teacher | None = None
    #: Logits as the source's loss sees them, at the label's size, detached,
    #: by the auxiliary head's index, None for the main head. The hook sets
    #: those that a term needs.
    source_logits: dict[int | None, Tensor] = field(default_factory=dict)
    _auxiliary_probabilities: dict[int, Tensor] = field(default_factory=dict)

    @cached_property
    def source_labels(self) -> Tensor:
        """Labels of the source batch ``(N, H, W)``."""
        samples = self.source['data_samples']
        return torch.cat([sample.gt_sem_seg.data for sample in samples])

    @cached_property
    def target(self) -> dict:
        """The preprocessed target batch: ``inputs`` ``(M, 3, H', W')``.

        Nothing else of the batch is kept: labels that a pipeline may have
        loaded are out of every term's reach.
        """
        batch = next(self.stream)
        batch = self.segmentor.data_preprocessor(batch, True)
        return dict(inputs=batch['inputs'])

    @cached_property
    def target_logits(self) -> Tensor:
        """Logits ``(M, C, H', W')`` of the target in train mode.

        This pass moves the segmentor's BatchNorm statistics.
        """
        segmentor = self.segmentor
        last = segmentor.neck if segmentor.with_neck else segmentor.backbone

        def keep(module: nn.Module, args: tuple, features) -> None:
            self._features = features  # for auxiliary heads

        with (
            torch.set_grad_enabled(self.with_gradient),
            last.register_forward_hook(keep),
        ):
            return self.forward(self.target['inputs'])

    @cached_property
    def target_probabilities(self) -> Tensor:
        """Softmax ``(M, C, H', W')`` of :attr:`target_logits`, float32."""
        with torch.set_grad_enabled(self.with_gradient):
            return self.target_logits.float().softmax(dim=1)

    def target_probabilities_of(self, auxiliary: int | None) -> Tensor:
        """:attr:`target_probabilities` of the main head, or of another.

        Args:
            auxiliary (int | None): Index of an auxiliary head, which sees
                the features of the main head's pass; None: the main head.
        """
        if auxiliary is None:
            return self.target_probabilities
        known = self._auxiliary_probabilities
        if auxiliary not in known:
            self.target_logits  # noqa: B018  passes the target
            # Other images may have passed this head since.
            self.start_another_pass()
            head = auxiliary_heads(self.segmentor)[auxiliary]
            with torch.set_grad_enabled(self.with_gradient):
                logits = self._resize(
                    head(self._features), self.target['inputs']
                )
                known[auxiliary] = logits.float().softmax(dim=1)
        return known[auxiliary]

    @cached_property
    def teacher_probabilities(self) -> Tensor:
        """The teacher's class probabilities of the target ``(M, C, H, W)``."""
        return self.teacher.predict(self.target['inputs'])

    @cached_property
    def pseudo_labels(self) -> tuple[Tensor, Tensor]:
        """Confidence and class of the teacher's prediction ``(M, H, W)``."""
        return self.teacher_probabilities.max(dim=1)

    def has(self, name: str) -> bool:
        """Whether something was computed already, so that it costs nothing."""
        return name in vars(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Pass further images ``(M, 3, H, W)`` through the segmentor.

        Returns:
            Tensor: Logits ``(M, C, H, W)`` of the output that is adapted.
        """
        self.start_another_pass()
        logits = self.segmentor(inputs, mode='tensor')
        if not isinstance(logits, Tensor):
            if not 0 <= self.output_index < len(logits):
                raise InputError(
                    f'output_index is {self.output_index}, but the head has '
                    f'{len(logits)} outputs: set it to one of them.'
                )
            logits = logits[self.output_index]
        return self._resize(logits, inputs)

    def _resize(self, logits: Tensor, images: Tensor) -> Tensor:
        return resize(
            logits,
            size=images.shape[2:],
            mode='bilinear',
            align_corners=self.segmentor.align_corners,
        )

    @staticmethod
    def start_another_pass() -> None:
        """Clear autocast's cache before another pass through the segmentor.

        Else both passes share half-precision copies of the weights, and their
        gradients are summed in half precision: with a loss weight of 1e-3,
        most of the smaller gradient would round away.
        """
        torch.clear_autocast_cache()

    def generator(self, term: str) -> torch.Generator:
        """A random generator on the CPU for the term with this ``key``.

        Its seed follows from the run's seed, the iteration, the rank and the
        term's key: it survives a resume, and a further term shifts no other.
        """
        seed = mix_seed(
            self.seed, self.number, get_rank(), crc32(term.encode())
        )
        return torch.Generator().manual_seed(seed)

    def end_losses(self) -> None:
        """Free the target's logits and features, and their graph."""
        for name in ('target_logits', '_features'):
            self.__dict__.pop(name, None)
        for index, probabilities in self._auxiliary_probabilities.items():
            self._auxiliary_probabilities[index] = probabilities.detach()
        if self.has('target_probabilities'):
            self.target_probabilities = self.target_probabilities.detach()

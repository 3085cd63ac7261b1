"""Output-space adversarial adaptation of any MMSegmentation segmentor."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Optional, Union

import torch
import torch.nn.functional as F
from mmengine.dist import is_distributed
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel, is_model_wrapper
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import weights_to_cpu
from mmengine.utils import apply_to
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmseg_da.errors import InputError
from mmseg_da.registry import HOOKS, MODELS, PARAM_SCHEDULERS

SOURCE, TARGET = 1.0, 0.0
# What the discriminator's optimizer wrapper shares with the segmentor's.
SHARED_OPTIM_KEYS = ('type', 'accumulative_counts', 'loss_scale', 'dtype')


def domain_loss(logits: Tensor, domain: float) -> Tensor:
    """Binary cross entropy of domain logits against one domain label.

    Args:
        logits (Tensor): Discriminator output, any shape.
        domain (float): 1 for source, 0 for target.

    Returns:
        Tensor: Scalar, the mean over all positions.
    """
    return F.binary_cross_entropy_with_logits(
        logits, torch.full_like(logits, domain)
    )


class DiscriminatorLoss(nn.Module):
    """Loss and accuracies of a discriminator on one batch of each domain.

    One forward for both domains, so that DistributedDataParallel sees one
    forward for each backward.

    Args:
        discriminator (nn.Module): Probabilities to domain logits.
    """

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Compute L_D of Tsai et al., CVPR 2018, eq. 1, halved per domain.

        Args:
            source (Tensor): Class probabilities ``(N, C, H, W)``.
            target (Tensor): Class probabilities ``(M, C, H', W')``.

        Returns:
            dict[str, Tensor]: ``loss`` and the share of positions told right
            in each domain, ``acc_source`` and ``acc_target``, in [0, 1].
        """
        source, target = self.discriminator(source), self.discriminator(target)
        loss = domain_loss(source, SOURCE) + domain_loss(target, TARGET)
        return dict(
            loss=loss / 2,
            acc_source=(source > 0).float().mean(),
            acc_target=(target < 0).float().mean(),
        )


@HOOKS.register_module()
class AdversarialHook(Hook):
    """Adapts the segmentor to unlabelled target images while it trains.

    Single-level output-space adaptation ("Learning to Adapt Structured Output
    Space for Semantic Segmentation", CVPR 2018; "Real-time Domain Adaptation
    in Semantic Segmentation", section 3.2). When the segmentor runs in
    ``mode='loss'``, a target batch passes through the same segmentor and
    ``loss_adv = loss_weight * -log D(P_target)`` joins its losses: predictions
    on the target shall look like predictions on the source. After the
    iteration the discriminator D learns to tell the two domains apart.

    The segmentor, its optimizer and the loop stay as they are: deleting the
    hook from a config gives plain MMSegmentation training. The target passes
    in train mode, so it also moves the segmentor's BN statistics; that part
    alone is what ``loss_weight=0`` leaves.

    Args:
        discriminator (dict): Config of the discriminator. It maps class
            probabilities to domain logits, positive for source.
        target_dataloader (dict): Config of the target's data loader. Its
            pipeline need not load annotations; they are never read. Batch
            size and workers default to the source loader's. A sampler must
            be endless and have ``skip``; ``mmseg_da.InfiniteSampler``, the
            default, is.
        optim_wrapper (dict): Config with the discriminator's ``optimizer``.
            The wrapper's type and accumulation default to the segmentor's.
        param_scheduler (dict | list[dict], optional): The discriminator's
            schedulers, stepped every iteration. Defaults to None.
        loss_weight (float): lambda_adv. Defaults to 1e-3.
        output_index (int): Which of the head's outputs is adapted, where it
            has several in training, each with a loss. PIDNet predicts with
            its second: 1. Defaults to 0.

    Raises:
        InputError: If ``loss_weight`` is negative or not finite, or the
            segmentor and the discriminator do not fit.

    Example:
        >>> default_hooks = dict(adversarial=dict(
        ...     type='mmseg_da.AdversarialHook',
        ...     discriminator=dict(
        ...         type='mmseg_da.FCDiscriminator', in_channels=19),
        ...     optim_wrapper=dict(optimizer=dict(
        ...         type='Adam', lr=1e-4, betas=(0.9, 0.99))),
        ...     target_dataloader=dict(dataset=target_dataset)))
    """

    # Before timer, logger and checkpoint: the discriminator's time belongs to
    # the iteration, and a saved state must include its update.
    priority = 'ABOVE_NORMAL'

    def __init__(
        self,
        discriminator: dict,
        target_dataloader: dict,
        optim_wrapper: dict,
        param_scheduler: Optional[Union[dict, list]] = None,
        loss_weight: float = 1e-3,
        output_index: int = 0,
    ) -> None:
        if not 0 <= loss_weight < float('inf'):
            raise InputError(
                'default_hooks.adversarial.loss_weight is '
                f'{loss_weight}, expected a finite number of at least 0.'
            )
        self.discriminator_cfg = discriminator
        self.target_dataloader_cfg = target_dataloader
        self.optim_wrapper_cfg = optim_wrapper
        self.param_scheduler_cfg = param_scheduler or []
        self.loss_weight = loss_weight
        self.output_index = output_index
        self._resumed_state: Optional[dict] = None
        self._source_logits: Optional[Tensor] = None
        self._target_probs: Optional[Tensor] = None
        self._handles: list = []

    # Set-up: in before_train, so that testing never builds a discriminator
    # and EMA's copy of the model carries no hook of ours.

    def before_train(self, runner: Runner) -> None:
        """Build what adapts, restore it on resume, and attach it."""
        segmentor = _unwrap(runner.model)
        # The source stream is the same with and without the hook.
        with torch.random.fork_rng():
            self._build_discriminator(runner, segmentor)
            self._target_loader = self._build_target_loader(runner)
            self._target_batches: Iterator = iter(self._target_loader)
        if runner.iter > 0:
            self._restore(runner)
        self.optim_wrapper.initialize_count_status(
            self.discriminator, runner.iter, runner.max_iters
        )
        self._attach(segmentor)

    def _build_discriminator(
        self, runner: Runner, segmentor: nn.Module
    ) -> None:
        self.discriminator = MODELS.build(self.discriminator_cfg)
        expected = getattr(self.discriminator, 'in_channels', None)
        if expected not in (None, segmentor.out_channels):
            raise InputError(
                'default_hooks.adversarial.discriminator.in_channels is '
                f'{expected}, but the segmentor predicts '
                f'{segmentor.out_channels} classes: set both to one number.'
            )
        self.discriminator.init_weights()
        self.discriminator.to(next(segmentor.parameters()).device).train()
        self.discriminator_loss = DiscriminatorLoss(self.discriminator)
        if is_distributed():
            device = next(segmentor.parameters()).device
            self.discriminator_loss = MMDistributedDataParallel(
                self.discriminator_loss,
                device_ids=[device.index] if device.type == 'cuda' else None,
                broadcast_buffers=False,
            )
        segmentor_cfg = runner.cfg.get('optim_wrapper') or {}
        shared = {
            key: segmentor_cfg[key]
            for key in SHARED_OPTIM_KEYS
            if key in segmentor_cfg
        }
        self.optim_wrapper: OptimWrapper = build_optim_wrapper(
            self.discriminator,
            dict(dict(shared, type=type(runner.optim_wrapper)))
            | copy.deepcopy(self.optim_wrapper_cfg),
        )
        schedulers = self.param_scheduler_cfg
        if isinstance(schedulers, dict):
            schedulers = [schedulers]
        defaults = dict(
            optimizer=self.optim_wrapper, by_epoch=False, end=runner.max_iters
        )
        self.param_schedulers = [
            PARAM_SCHEDULERS.build(scheduler, default_args=defaults)
            for scheduler in schedulers
        ]

    def _build_target_loader(self, runner: Runner):
        source = runner.train_dataloader
        cfg = copy.deepcopy(self.target_dataloader_cfg)
        cfg.setdefault('batch_size', source.batch_size)
        cfg.setdefault('num_workers', source.num_workers)
        cfg.setdefault(
            'persistent_workers',
            source.persistent_workers and cfg['num_workers'] > 0,
        )
        cfg.setdefault('sampler', dict(type='mmseg_da.InfiniteSampler'))
        # Seeded apart from the source, so that the two streams do not draw
        # the same permutation and the same augmentations.
        loader = runner.build_dataloader(cfg, seed=runner.seed + 1)
        if not hasattr(loader.sampler, 'skip'):
            raise _wrong_sampler(loader.sampler, 'has no skip()')
        loader.sampler.skip(runner.iter * loader.batch_size)
        return loader

    def _attach(self, segmentor: nn.Module) -> None:
        heads = segmentor.decode_head
        head = heads[-1] if isinstance(heads, nn.ModuleList) else heads
        if not hasattr(head, 'loss_decode'):
            raise InputError(
                f'{type(head).__name__} has no loss_decode, from which '
                'AdversarialHook takes the source prediction: use a head '
                'derived from BaseDecodeHead.'
            )
        losses = head.loss_decode
        if not isinstance(losses, nn.ModuleList):
            losses = [losses]
        if not 0 <= self.output_index < len(losses):
            raise InputError(
                'default_hooks.adversarial.output_index is '
                f'{self.output_index}, but {type(head).__name__} has '
                f'{len(losses)} loss(es): set it to 0..{len(losses) - 1}.'
            )
        self._handles = [
            losses[self.output_index].register_forward_pre_hook(
                self._keep_source_logits
            ),
            segmentor.register_forward_hook(
                self._add_adversarial_loss, with_kwargs=True
            ),
        ]

    def after_train(self, runner: Runner) -> None:
        """Leave the segmentor as it was found."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        # Ends the loader's workers, persistent ones too.
        del self._target_batches, self._target_loader

    # One iteration.

    def _keep_source_logits(self, loss: nn.Module, args: tuple) -> None:
        # Logits as the loss sees them, at the label's size.
        if self._source_logits is None:
            self._source_logits = args[0].detach()

    def _add_adversarial_loss(
        self, segmentor: nn.Module, args: tuple, kwargs: dict, losses
    ):
        if kwargs.get('mode') != 'loss':
            return losses
        # Else source and target share half-precision weight copies, whose
        # gradients are then summed in half precision: at 1e-3 most of the
        # adversarial gradient would round away.
        torch.clear_autocast_cache()
        batch = next(self._target_batches, None)
        if batch is None:
            raise _wrong_sampler(self._target_loader.sampler, 'has ended')
        batch = segmentor.data_preprocessor(batch, True)
        with torch.set_grad_enabled(self.loss_weight > 0):
            logits = segmentor(batch['inputs'], mode='tensor')
            if not isinstance(logits, Tensor):
                logits = logits[self.output_index]
            logits = resize(
                logits,
                size=batch['inputs'].shape[2:],
                mode='bilinear',
                align_corners=segmentor.align_corners,
            )
            probabilities = logits.softmax(dim=1)
            self.discriminator.requires_grad_(False)
            loss = domain_loss(self.discriminator(probabilities), SOURCE)
            self.discriminator.requires_grad_(True)
        self._target_probs = probabilities.detach()
        losses['loss_adv'] = self.loss_weight * loss
        return losses

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Update the discriminator on the iteration's two predictions."""
        source, self._source_logits = self._source_logits, None
        target, self._target_probs = self._target_probs, None
        if source is None:
            raise InputError(
                'The decode head trained without calling its loss_decode, '
                'from which AdversarialHook takes the source prediction: '
                'compute its loss there, as BaseDecodeHead does.'
            )
        with self.optim_wrapper.optim_context(self.discriminator_loss):
            results = self.discriminator_loss(source.softmax(dim=1), target)
        self.optim_wrapper.update_params(results['loss'])
        for scheduler in self.param_schedulers:
            scheduler.step()
        for name, value in results.items():
            runner.message_hub.update_scalar(
                f'train/{name}_discriminator', value.detach()
            )

    # Checkpoints.

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the discriminator's state where the optimizer's is kept."""
        if 'optimizer' not in checkpoint:
            return
        checkpoint['adversarial'] = dict(
            discriminator=weights_to_cpu(self.discriminator.state_dict()),
            optimizer=apply_to(
                self.optim_wrapper.state_dict(),
                lambda x: hasattr(x, 'cpu'),
                lambda x: x.cpu(),
            ),
            param_schedulers=[
                scheduler.state_dict() for scheduler in self.param_schedulers
            ],
        )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the state aside until there is something to restore it to."""
        self._resumed_state = checkpoint.pop('adversarial', None)

    def _restore(self, runner: Runner) -> None:
        state, self._resumed_state = self._resumed_state, None
        if state is None:
            runner.logger.warning(
                'The resumed checkpoint holds no discriminator: it was '
                'trained without AdversarialHook, whose discriminator starts '
                'from scratch.'
            )
            return
        self.discriminator.load_state_dict(state['discriminator'])
        self.optim_wrapper.load_state_dict(state['optimizer'])
        for scheduler, saved in zip(
            self.param_schedulers, state['param_schedulers']
        ):
            scheduler.load_state_dict(saved)


def _wrong_sampler(sampler: object, found: str) -> InputError:
    kind = f'{type(sampler).__module__}.{type(sampler).__qualname__}'
    return InputError(
        f'default_hooks.adversarial.target_dataloader.sampler is {kind}, '
        f'which {found}: it must be endless and have skip(), so use '
        'mmseg_da.InfiniteSampler.'
    )


def _unwrap(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model

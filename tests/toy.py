"""Tiny models, data and runners that the tests share.

``make_runner`` builds a real MMEngine Runner: a narrow BiSeNet of the paper
on random images in memory, adapted to a target of another size.
"""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path
from typing import Optional

import torch
from mmengine.config import Config, ConfigDict
from mmengine.hooks import Hook
from mmengine.optim.optimizer import amp_optimizer_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_da.adaptation import AdaptationHook, AdversarialHook
from mmseg_da.registry import DATASETS

CONFIGS = Path(__file__).parents[1] / 'configs'
NUM_CLASSES = 5
NUM_SAMPLES = 5  # Not a multiple of the batch: rounds end inside one.
BATCH_SIZE = 2
LR, MOMENTUM, WEIGHT_DECAY = 0.02, 0.9, 1e-4
D_LR, D_BETAS = 1e-3, (0.9, 0.99)
# Large, so that a wrong adversarial gradient shows at once.
LOSS_WEIGHT = 0.5
SOURCE_SIZE, TARGET_SIZE = (64, 64), (48, 96)
_run_numbers = itertools.count()


@DATASETS.register_module()
class ToyDataset(torch.utils.data.Dataset):
    """Random images, as an MMSegmentation pipeline hands them over.

    Args:
        size (tuple): Height and width.
        seed (int): Where images and labels come from.
        labels (str): 'random', 'ignored' in part too, or 'none'.
    """

    metainfo = dict(
        classes=tuple('abcde'), palette=[[i, 0, 0] for i in range(NUM_CLASSES)]
    )

    def __init__(self, size, seed, labels='none', length=NUM_SAMPLES):
        generator = torch.Generator().manual_seed(seed)
        shape = (length, *size)
        self.images = torch.randint(
            0, 256, (length, 3, *size), generator=generator
        ).to(torch.uint8)
        self.labels: Optional[Tensor] = None
        if labels != 'none':
            self.labels = torch.randint(
                0, NUM_CLASSES, shape, generator=generator
            )
        if labels == 'ignored':
            self.labels[:, :10] = 255

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index) -> dict:
        sample = SegDataSample()
        if self.labels is not None:
            label = self.labels[index][None]
            sample.gt_sem_seg = PixelData(data=label)
            sample.gt_edge_map = PixelData(data=(label == 0).long())
        size = self.images.shape[2:]
        sample.set_metainfo(dict(ori_shape=size, img_shape=size))
        return dict(inputs=self.images[index], data_samples=sample)


def bisenet_cfg(width: int = 8, num_classes: int = 19) -> ConfigDict:
    """The paper's BiSeNet; width and classes change what depends on them."""
    path = CONFIGS / '_base_/models/bisenet_r18.py'
    model = Config.fromfile(path).model
    model.backbone.context_path.update(
        base_channels=width, stem_channels=width, init_cfg=None
    )
    model.backbone.update(
        context_channels=(width * 4, width * 8),
        spatial_channels=(width, width * 2, width * 4),
    )
    model.decode_head.update(
        in_channels=(width * 4, width * 4, width * 8), channels=num_classes
    )
    for i, head in enumerate(model.auxiliary_head):
        head.in_channels = head.channels = width * 4 * 2**i
    for head in (model.decode_head, *model.auxiliary_head):
        head.num_classes = num_classes
    return model


def toy_cfg(hook: bool = True) -> Config:
    """A whole training config, with or without the hook's one key."""
    cfg = Config(
        dict(
            default_scope='mmseg',
            model=bisenet_cfg(8, NUM_CLASSES),
            train_dataloader=dict(
                batch_size=BATCH_SIZE,
                num_workers=0,
                sampler=dict(type='mmseg_da.InfiniteSampler'),
                dataset=dict(
                    type='mmseg_da.ToyDataset',
                    size=SOURCE_SIZE,
                    seed=1,
                    labels='ignored',
                ),
            ),
            optim_wrapper=dict(
                type='OptimWrapper',
                optimizer=dict(
                    type='SGD',
                    lr=LR,
                    momentum=MOMENTUM,
                    weight_decay=WEIGHT_DECAY,
                ),
            ),
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=6),
            default_hooks=dict(
                logger=dict(
                    type='LoggerHook', interval=1, log_metric_by_epoch=False
                ),
                checkpoint=dict(
                    type='CheckpointHook', interval=100, by_epoch=False
                ),
            ),
            log_processor=dict(by_epoch=False),
            log_level='WARNING',
            randomness=dict(seed=3),
        ),
        # Pretty printing would take longer than the training.
        format_python_code=False,
    )
    if hook:
        cfg.default_hooks.adversarial = dict(
            type='mmseg_da.AdversarialHook',
            loss_weight=LOSS_WEIGHT,
            discriminator=dict(
                type='mmseg_da.FCDiscriminator',
                in_channels=NUM_CLASSES,
                base_channels=8,
            ),
            optim_wrapper=dict(
                optimizer=dict(type='Adam', lr=D_LR, betas=D_BETAS)
            ),
            target_dataloader=dict(
                dataset=dict(
                    type='mmseg_da.ToyDataset', size=TARGET_SIZE, seed=2
                )
            ),
        )
    return cfg


def with_terms(
    adversary: bool = False, teacher: dict | None = None, **terms
) -> dict:
    """Overrides that adapt by terms, instead of by AdversarialHook.

    Args:
        adversary (bool): Whether the toy's adversary is among the terms.
        teacher (dict, optional): The teacher's config.
        **terms: Configs of the other terms.
    """
    hook = toy_cfg().default_hooks.adversarial
    target = hook.pop('target_dataloader')
    if adversary:
        terms['adversarial'] = dict(hook, type='mmseg_da.AdversarialTerm')
    return {
        'default_hooks.adversarial': None,
        'default_hooks.adaptation': dict(
            type='mmseg_da.AdaptationHook',
            target_dataloader=target,
            terms=terms,
            teacher=teacher,
        ),
    }


def clone(state: dict) -> dict:
    return {name: value.detach().clone() for name, value in state.items()}


class Start(Hook):
    """Keeps what training starts from, after everything is built."""

    priority = 'LOWEST'

    def before_train(self, runner) -> None:
        self.rng_state = torch.get_rng_state()
        self.model = clone(runner.model.state_dict())
        terms = runner.adaptation.terms if runner.adaptation else {}
        if 'adversarial' in terms:
            discriminator = terms['adversarial'].discriminator
            self.discriminator = clone(discriminator.state_dict())


def make_runner(
    work_dir, overrides: Optional[dict] = None, hook: bool = True
) -> Runner:
    """A runner of the toy config.

    Args:
        work_dir (Path): Where it writes.
        overrides (dict, optional): As ``--cfg-options`` takes them, for
            example ``{'train_cfg.max_iters': 3}``.
        hook (bool): Whether to adapt. Defaults to True.

    Returns:
        Runner: Ready for ``train()``, with the hook at ``adaptation`` (and at
        ``adversarial``) and what it started from at ``start``.
    """
    cfg = toy_cfg(hook)
    cfg.merge_from_dict(overrides or {})
    if cfg.default_hooks.get('adversarial', True) is None:
        del cfg.default_hooks.adversarial
    cfg.work_dir = str(work_dir)
    # Runners of one name would share their message hub.
    cfg.experiment_name = f'toy_{next(_run_numbers)}'
    init_default_scope('mmseg')
    runner = Runner.from_cfg(cfg)
    runner.start = Start()
    runner.register_hook(runner.start)
    hooks = (one for one in runner.hooks if isinstance(one, AdaptationHook))
    runner.adaptation = next(hooks, None)
    if isinstance(runner.adaptation, AdversarialHook):
        runner.adversarial = runner.adaptation
    return runner


def train(work_dir, overrides=None, hook=True) -> Runner:
    """As :func:`make_runner`, trained."""
    runner = make_runner(work_dir, overrides, hook)
    runner.train()
    # End the workers here: left to the garbage collector, they take seconds.
    if hasattr(runner.train_loop, 'dataloader_iterator'):
        runner.train_loop.dataloader_iterator._iterator = None
    runner.train_dataloader._iterator = None
    return runner


def largest_difference(ours: dict, theirs: dict, only: str = '') -> float:
    """Largest absolute difference of two state dicts with equal keys."""
    assert ours.keys() == theirs.keys()
    names = [name for name in ours if only in name]
    assert names
    return max(
        (ours[name].double() - theirs[name].double()).abs().max().item()
        for name in names
    )


def labelled_loader() -> dict:
    """Two labelled images of the target's size, one by one, to score."""
    return dict(
        batch_size=1,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            type='mmseg_da.ToyDataset',
            size=TARGET_SIZE,
            seed=9,
            labels='random',
            length=2,
        ),
    )


def amp_on_cpu(monkeypatch) -> None:
    """Let AmpOptimWrapper run on a CPU, where torch can scale too.

    MMEngine refuses a CPU, and its autocast asks for bfloat16 there.
    """
    scaler = partial(torch.amp.GradScaler, device='cpu')
    monkeypatch.setattr(amp_optimizer_wrapper, 'GradScaler', scaler)
    monkeypatch.setattr(
        amp_optimizer_wrapper, 'is_cuda_available', lambda: True
    )
    autocast = partial(torch.autocast, 'cpu')
    monkeypatch.setattr('mmengine.runner.amp.autocast', autocast)

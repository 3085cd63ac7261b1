"""Adaptation written plainly, as the papers describe it."""

import math
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from toy import (
    BATCH_SIZE,
    D_BETAS,
    D_LR,
    LOSS_WEIGHT,
    LR,
    MOMENTUM,
    NUM_CLASSES,
    NUM_SAMPLES,
    WEIGHT_DECAY,
)

from mmseg_da.models import FCDiscriminator
from mmseg_da.registry import DATASETS, MODELS

ITERS = 6
SEED = 3


def stream(dataset_cfg, seed):
    """Batches of a shuffled data set, one permutation after another."""
    dataset = DATASETS.build(dataset_cfg)
    generator = torch.Generator().manual_seed(seed)
    queue = []
    while True:
        while len(queue) < BATCH_SIZE:
            order = torch.randperm(NUM_SAMPLES, generator=generator)
            queue += order.tolist()
        batch = [dataset[queue.pop(0)] for _ in range(BATCH_SIZE)]
        yield {key: [one[key] for one in batch] for key in batch[0]}


def loss_d(discriminator, probabilities, is_source):
    logits = discriminator(probabilities)
    return F.binary_cross_entropy_with_logits(
        logits, torch.full_like(logits, is_source)
    )


def loss_entropy(logits):
    """ADVENT's L_ent, averaged over pixels: Shannon entropy over log C."""
    log_p = F.log_softmax(logits, dim=1)
    entropy = -torch.sum(torch.exp(log_p) * log_p, dim=1)
    return torch.mean(entropy / math.log(NUM_CLASSES))


@contextmanager
def one_sum(module):
    """Sum the gradients of one iteration before adding them to older ones.

    Autograd does so within one backward pass; of two, each would be added.
    """
    parameters = list(module.parameters())
    older = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = None
    yield
    for parameter, grad in zip(parameters, older):
        if grad is not None:
            parameter.grad += grad


def reference(
    cfg,
    start,
    clip=None,
    accumulate=1,
    power=None,
    dtype=None,
    iters=ITERS,
    adversary=True,
    entropy_weight=None,
):
    """Single-level adaptation as Tsai et al. describe it, two passes.

    Source backward; target backward through the discriminator, held fixed;
    the discriminator on both predictions; a step of both. With a dtype each
    of the three autocasts on its own, and each optimizer has a scaler. With
    an entropy weight the target's loss holds ADVENT's L_ent too, or alone.
    """
    amp = dict(device_type='cpu', enabled=dtype is not None)
    autocast = partial(torch.autocast, dtype=dtype, **amp)
    scale_sgd, scale_adam = (
        torch.amp.GradScaler('cpu', enabled=amp['enabled']) for _ in range(2)
    )
    init_default_scope('mmseg')
    segmentor = MODELS.build(cfg.model).train()
    segmentor.load_state_dict(start.model)
    discriminator = FCDiscriminator(5, base_channels=8)
    if adversary:
        discriminator.load_state_dict(start.discriminator)
    sgd = torch.optim.SGD(
        segmentor.parameters(), LR, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    adam = torch.optim.Adam(discriminator.parameters(), D_LR, D_BETAS)
    hooks = cfg.default_hooks
    hook = hooks.get('adversarial') or hooks.adaptation
    sources = stream(cfg.train_dataloader.dataset, SEED)
    targets = stream(hook.target_dataloader.dataset, SEED + 1)

    def predict(images):
        logits = segmentor.decode_head(segmentor.extract_feat(images))
        return F.interpolate(logits, images.shape[2:], mode='bilinear')

    for i in range(iters):
        if power is not None:
            sgd.param_groups[0]['lr'] = LR * (1 - i / iters) ** power
            adam.param_groups[0]['lr'] = D_LR * (1 - i / iters) ** power
        # Iterations left over at the end share one update.
        share = accumulate
        if i >= iters - iters % accumulate:
            share = iters % accumulate
        source = segmentor.data_preprocessor(next(sources), True)
        target = segmentor.data_preprocessor(next(targets), True)

        with one_sum(segmentor):
            with autocast():
                features = segmentor.extract_feat(source['inputs'])
                logits = segmentor.decode_head(features)
                samples = source['data_samples']
                losses = segmentor.decode_head.loss_by_feat(logits, samples)
                loss = losses['loss_ce']
                for head in segmentor.auxiliary_head:
                    loss = loss + head.loss(features, samples, {})['loss_ce']
                size = source['inputs'].shape[2:]
                logits = F.interpolate(logits.detach(), size, mode='bilinear')
                p_source = logits.softmax(dim=1)
            scale_sgd.scale(loss / share).backward()

            discriminator.requires_grad_(False)
            with autocast():
                logits = predict(target['inputs'])
                p_target = logits.softmax(dim=1)
                loss = 0
                if adversary:
                    loss = LOSS_WEIGHT * loss_d(discriminator, p_target, 1)
                if entropy_weight is not None:
                    entropy = loss_entropy(logits)
                    loss = loss + entropy_weight * entropy
            scale_sgd.scale(loss / share).backward()
            p_target = p_target.detach()

        discriminator.requires_grad_(True)
        with one_sum(discriminator):
            domains = ((p_source, 1), (p_target, 0)) if adversary else ()
            for probabilities, domain in domains:
                with autocast():
                    loss = loss_d(discriminator, probabilities, domain) / 2
                scale_adam.scale(loss / share).backward()

        if (i + 1) % accumulate == 0 or i + 1 == iters:
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(segmentor.parameters(), clip)
            for scaler, optimizer in ((scale_sgd, sgd), (scale_adam, adam)):
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad()
    return segmentor.state_dict(), discriminator.state_dict()

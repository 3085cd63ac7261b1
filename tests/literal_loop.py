"""Adaptation written plainly, as the papers describe it."""

import math

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

from benchmarks.textbook import Textbook
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


class AdventTextbook(Textbook):
    """ADVENT's two methods, and AdaptSegNet's least-squares option."""

    adversary = True
    entropy_weight = None
    lsgan = self_information = False

    def domain_loss(self, probabilities, domain):
        if self.self_information:
            log_p = torch.log2(probabilities + 1e-30)
            probabilities = -probabilities * log_p / math.log2(NUM_CLASSES)
        if not self.lsgan:
            return super().domain_loss(probabilities, domain)
        output = self.discriminator(probabilities)
        return torch.nn.MSELoss()(output, torch.full_like(output, domain))

    def target_loss(self, logits, probabilities):
        loss = 0
        if self.adversary:
            loss = super().target_loss(logits, probabilities)
        if self.entropy_weight is not None:
            log_p = F.log_softmax(logits, dim=1)
            entropy = -torch.sum(torch.exp(log_p) * log_p, dim=1)
            entropy = torch.mean(entropy / math.log(NUM_CLASSES))
            loss = loss + self.entropy_weight * entropy
        return loss


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
    lsgan=False,
    self_information=False,
):
    """Train from a start by the textbook's loop; the weights of both.

    With an entropy weight the target's loss holds ADVENT's L_ent, beside the
    adversary or alone.
    """
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

    def learn(source):
        images, samples = source['inputs'], source['data_samples']
        features = segmentor.extract_feat(images)
        logits = segmentor.decode_head(features)
        losses = segmentor.decode_head.loss_by_feat(logits, samples)
        loss = losses['loss_ce']
        for head in segmentor.auxiliary_head:
            loss = loss + head.loss(features, samples, {})['loss_ce']
        return loss, F.interpolate(logits, images.shape[2:], mode='bilinear')

    def predict(target):
        images = target['inputs']
        logits = segmentor.decode_head(segmentor.extract_feat(images))
        return F.interpolate(logits, images.shape[2:], mode='bilinear')

    loop = AdventTextbook(
        *(segmentor, sgd, discriminator, adam),
        *(learn, predict, LOSS_WEIGHT),
        dtype=dtype,
    )
    loop.adversary, loop.entropy_weight = adversary, entropy_weight
    loop.lsgan, loop.self_information = lsgan, self_information
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

        loop.backward(source, target, share)
        if (i + 1) % accumulate == 0 or i + 1 == iters:
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(segmentor.parameters(), clip)
            loop.step()
    return segmentor.state_dict(), discriminator.state_dict()

"""Self-training by class mixing, written plainly in torch."""

import copy
from zlib import crc32

import torch
import torch.nn.functional as F
from mmengine.config import Config
from torch import Tensor, nn

from benchmarks.training_loops import (
    PlainTraining,
    RandomImages,
    plugin_config,
)
from mmseg_da.adaptation.augment import strong_augment
from mmseg_da.datasets.samplers import mix_seed
from mmseg_da.utils.config import REPO_ROOT

DACS = Config.fromfile(REPO_ROOT / 'configs/_base_/adaptation/dacs.py')
KEY = 'default_hooks.adaptation.terms.class_mix'
IGNORE_INDEX = 255


def dacs_config(size: tuple[int, int], batch: int, work_dir: str) -> Config:
    """Make a config that trains by this project's class mixing."""
    cfg = plugin_config((size, size), batch, work_dir)
    adversarial = cfg.default_hooks.pop('adversarial')
    cfg.default_hooks.adaptation = {
        'type': 'mmseg_da.AdaptationHook',
        'target_dataloader': adversarial.target_dataloader,
        'teacher': DACS.teacher,
        'terms': {'class_mix': DACS.class_mix},
    }
    return cfg


class PlainDacs(PlainTraining):
    """The loop of DACS (Tranheden et al., WACV 2021).

    The teacher follows and labels the target; the source's backward pass;
    that of the mixed images; a step. Colours and blur are the project's, so
    that both loops see the same images.

    Args:
        network (nn.Module): See :class:`PlainTraining`.
        source (RandomImages): With labels.
        target (RandomImages): Its labels are not used.
        preprocessor (nn.Module): It has the images' mean and deviation.
        device (torch.device): Where it trains.
    """

    def __init__(
        self,
        network: nn.Module,
        source: RandomImages,
        target: RandomImages,
        preprocessor: nn.Module,
        device: torch.device,
    ) -> None:
        super().__init__(network, source, target, device)
        self.teacher = copy.deepcopy(network).requires_grad_(False)
        for module in self.teacher.modules():
            # They normalise one value an image, which two images cannot bear.
            if type(module).__name__ == 'AttentionRefinementModule':
                module.eval()
        self.preprocessor = preprocessor
        self.number = 0

    def iterate(self) -> None:
        images, others = (
            self.normalise(domain.images)
            for domain in (self.source, self.target)
        )
        labels = self.source.labels.to(self.device)
        self.follow()
        self.learn_from((images, labels))[0].backward()
        confidence, pseudo = self.label(others)
        rng = torch.Generator()
        rng.manual_seed(mix_seed(0, self.number, 0, crc32(KEY.encode())))
        pasted = torch.stack([self.cut(label, rng) for label in labels])
        sure = (confidence >= DACS.class_mix.threshold).float()
        share = sure.mean(dim=(1, 2), keepdim=True).expand(pasted.shape)
        mixed = strong_augment(
            torch.where(pasted[:, None], images, others),
            self.preprocessor,
            DACS.class_mix.color_jitter,
            True,
            rng,
        )
        self.learn_mixed(
            mixed,
            torch.where(pasted, labels, pseudo),
            torch.where(pasted, 1.0, share),
        ).backward()
        self.sgd.step()
        self.sgd.zero_grad()
        self.number += 1

    def follow(self) -> None:
        """Move the teacher towards the network."""
        kept = min(1 - 1 / (self.number + 1), DACS.teacher.momentum)
        for old, new in zip(
            self.teacher.parameters(), self.network.parameters()
        ):
            old.data = kept * old.data + (1 - kept) * new.data
        for old, new in zip(self.teacher.buffers(), self.network.buffers()):
            old.copy_(new)

    def label(self, images: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            size = images.shape[2:]
            logits = self.teacher(images, size, main_only=True)[0]
        return logits.softmax(dim=1).max(dim=1)

    @staticmethod
    def cut(label: Tensor, rng: torch.Generator) -> Tensor:
        classes = label.unique()
        classes = classes[classes != IGNORE_INDEX]
        order = torch.randperm(len(classes), generator=rng)
        chosen = classes[order[: (len(classes) + 1) // 2].to(classes.device)]
        return (label == chosen[:, None, None]).any(dim=0)

    def learn_mixed(
        self, images: Tensor, labels: Tensor, weights: Tensor
    ) -> Tensor:
        weights = weights * (labels != IGNORE_INDEX)
        losses = [
            F.cross_entropy(
                logits, labels, ignore_index=IGNORE_INDEX, reduction='none'
            )
            for logits in self.network(images, size=images.shape[2:])
        ]
        return sum((loss * weights).sum() / weights.sum() for loss in losses)

"""The training loops that are compared: the textbook's and the plugin's."""

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from benchmarks.networks import MEAN, STD
from benchmarks.paper_network import bilinear
from benchmarks.textbook import Textbook
from mmseg_da.adaptation import AdaptationHook
from mmseg_da.utils.config import REPO_ROOT

MODEL = REPO_ROOT / 'configs/_base_/models/bisenet_r18.py'
NUM_CLASSES = 19
LAMBDA = 1e-3
SGD = {'lr': 2.5e-2, 'momentum': 0.9, 'weight_decay': 1e-4}
ADAM = {'lr': 1e-4, 'betas': (0.9, 0.99)}
SAMPLER = {'type': 'mmseg_da.InfiniteSampler', 'shuffle': False}


class RandomImages(torch.utils.data.Dataset):
    """One batch of random images, and labels of patches.

    Args:
        size (tuple[int, int]): Height and width.
        batch (int): Number of images, which form one batch.
        seed (int): Seed of images and labels.
    """

    metainfo = {
        'classes': tuple(map(str, range(NUM_CLASSES))),
        'palette': [[0, 0, 0]] * NUM_CLASSES,
    }

    def __init__(self, size: tuple[int, int], batch: int, seed: int) -> None:
        rng = torch.Generator().manual_seed(seed)
        shape = batch, 3, *size
        self.images = torch.randint(256, shape, generator=rng).byte()
        patches = batch, 1, *(-(-side // 8) for side in size)
        labels = torch.randint(NUM_CLASSES + 1, patches, generator=rng)
        labels[labels == NUM_CLASSES] = 255
        self.labels = F.interpolate(labels.double(), size)[:, 0].long()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict:
        sample = SegDataSample(
            gt_sem_seg=PixelData(data=self.labels[index][None]),
            metainfo={'img_shape': self.images.shape[2:]},
        )
        return {'inputs': self.images[index], 'data_samples': sample}


def plain_discriminator() -> nn.Sequential:
    """The discriminator of Tsai et al."""
    widths = (NUM_CLASSES, 64, 128, 256, 512)
    layers: list[nn.Module] = []
    for c_in, c_out in zip(widths, widths[1:]):
        layers += [nn.Conv2d(c_in, c_out, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 2, 1))


class PlainTraining(Textbook):
    """The textbook's loop on images in memory.

    Args:
        network (nn.Module): Takes images and the size of the logits, and
            gives three logits, those of the auxiliary heads last.
        source (RandomImages): With labels.
        target (RandomImages): Its labels are not used.
        device (torch.device): Where it trains.
        amp (bool): Whether it autocasts to fp16. Defaults to False.
    """

    def __init__(
        self,
        network: nn.Module,
        source: RandomImages,
        target: RandomImages,
        device: torch.device,
        amp: bool = False,
    ) -> None:
        network.train().to(device)
        discriminator = plain_discriminator().to(device)
        super().__init__(
            network,
            torch.optim.SGD(network.parameters(), **SGD),
            discriminator,
            torch.optim.Adam(discriminator.parameters(), **ADAM),
            self.learn_from,
            lambda images: network(images, images.shape[2:], main_only=True)[
                0
            ],
            LAMBDA,
            device,
            torch.float16 if amp else None,
        )
        self.source, self.target = source, target

    def normalise(self, images: Tensor) -> Tensor:
        mean, std = (
            torch.tensor(values, device=self.device).view(3, 1, 1)
            for values in (MEAN, STD)
        )
        # OpenCV's images are BGR.
        return (images.to(self.device).flip(1).float() - mean) / std

    def learn_from(self, batch: tuple[Tensor, Tensor]) -> tuple:
        images, labels = batch
        outputs = self.network(images, size=images.shape[2:])
        loss = sum(
            F.cross_entropy(logits, labels, ignore_index=255)
            for logits in outputs
        )
        return loss, outputs[0]

    def iterate(self) -> None:
        """One iteration, from images in memory."""
        labels = self.source.labels.to(self.device)
        source = self.normalise(self.source.images), labels
        self.backward(source, self.normalise(self.target.images))
        self.step()


class PluginNetwork(nn.Module):
    """The plugin's segmentor as a plain network with three outputs."""

    def __init__(self, segmentor: nn.Module) -> None:
        super().__init__()
        self.segmentor = segmentor

    def forward(
        self, x: Tensor, size: tuple, main_only: bool = False
    ) -> list[Tensor]:
        maps = self.segmentor.extract_feat(x)
        heads = [self.segmentor.decode_head]
        if not main_only:
            heads += self.segmentor.auxiliary_head
        return [bilinear(head(maps), size) for head in heads]


def plugin_config(
    sizes: tuple, batch: int, work_dir: str, amp: bool = False
) -> Config:
    """Make a config with the main config's model, hook and optimizers."""
    model = Config.fromfile(MODEL).model
    model.backbone.context_path.init_cfg = None
    source, target = (
        {
            # The class itself: nothing is added to the users' registry.
            'type': RandomImages,
            'size': size,
            'batch': batch,
            'seed': seed,
        }
        for seed, size in enumerate(sizes)
    )
    adversarial = {
        'type': 'mmseg_da.AdversarialHook',
        'loss_weight': LAMBDA,
        'discriminator': {
            'type': 'mmseg_da.FCDiscriminator',
            'in_channels': NUM_CLASSES,
        },
        'optim_wrapper': {'optimizer': {'type': 'Adam', **ADAM}},
        'target_dataloader': {'sampler': SAMPLER, 'dataset': target},
    }
    return Config(
        {
            'default_scope': 'mmseg',
            'model': model,
            'train_dataloader': {
                'batch_size': batch,
                'num_workers': 0,
                'sampler': SAMPLER,
                'dataset': source,
            },
            'optim_wrapper': {
                'type': 'AmpOptimWrapper' if amp else 'OptimWrapper',
                'optimizer': {'type': 'SGD', **SGD},
            },
            'train_cfg': {'type': 'IterBasedTrainLoop', 'max_iters': 10**6},
            'default_hooks': {
                'logger': {'type': 'LoggerHook', 'interval': 10**6},
                'checkpoint': None,
                'adversarial': adversarial,
            },
            'log_level': 'ERROR',
            'randomness': {'seed': 0},
            'work_dir': work_dir,
        },
        format_python_code=False,
    )


class Plugin:
    """A Runner that stands before its first iteration."""

    def __init__(self, cfg: Config) -> None:
        cfg.experiment_name = f'benchmark_{id(self)}'
        self.runner = runner = Runner.from_cfg(cfg)
        # Runner.train does the same before its loop.
        runner._train_loop = runner.build_train_loop(runner._train_loop)
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        runner._init_model_weights()
        for stage in ('before_run', 'before_train', 'before_train_epoch'):
            runner.call_hook(stage)
        runner.model.train()
        self.batches = runner.train_loop.dataloader_iterator
        hooks = (h for h in runner.hooks if isinstance(h, AdaptationHook))
        self.hook = next(hooks, None)

    def step(self) -> None:
        """One iteration."""
        self.runner.train_loop.run_iter(next(self.batches))

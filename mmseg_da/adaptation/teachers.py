"""Teachers that label the target for self-training."""

from collections.abc import Sequence

import torch
from mmengine.dist import all_reduce
from mmengine.model import MomentumAnnealingEMA
from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmseg_da.apis import init_model
from mmseg_da.errors import InputError, check_choice, wrong_value
from mmseg_da.registry import MODELS


def _use_batch_statistics(module: nn.Module, args: tuple) -> None:
    module.training = args[0].dim() == 4 and args[0][0, 0].numel() > 1


@torch.no_grad()
def _follow_target(module: nn.Module, args: tuple) -> None:
    """Move the running statistics before the layer uses them."""
    # BatchNorm's own kernel: torch.var_mean takes 5 to 30 times as long.
    mean, variance = torch.batch_norm_update_stats(
        args[0].float(), None, None, momentum=0.0
    )
    # The running variance is unbiased, the batch's is not.
    number = args[0].numel() // len(mean)
    variance *= number / max(1, number - 1)
    # The same on all ranks, as a resumed run finds them.
    for value in (variance, mean):
        all_reduce(value, 'mean')
    module.running_mean.lerp_(mean, module.momentum)
    module.running_var.lerp_(variance, module.momentum)


# What a teacher's BatchNorm layers do before they normalise.
BATCH_NORMS = {
    'running': None,
    'batch': _use_batch_statistics,
    'target': _follow_target,
}


class Teacher:
    """Base of all teachers. A frozen teacher needs only ``build``."""

    model: nn.Module

    def __init__(self, key: str = 'teacher') -> None:
        self.key = key  # the teacher's place in the config, for messages

    def build(
        self, segmentor: nn.Module, classes: Sequence[str] | None = None
    ) -> None:
        """Build :attr:`model`, before hooks are attached to the segmentor.

        Args:
            segmentor (nn.Module): The bare segmentor.
            classes (Sequence[str], optional): Names of its classes.
        """
        raise NotImplementedError

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> Tensor:
        """Class probabilities ``(M, C, H, W)`` of images ``(M, 3, H, W)``."""
        logits = resize(
            self.model(inputs, mode='tensor'),
            size=inputs.shape[2:],
            mode='bilinear',
            align_corners=self.model.align_corners,
        )
        return logits.float().softmax(dim=1)

    def start_iteration(self, segmentor: nn.Module) -> None:
        """Get ready for an iteration."""

    def update(self, segmentor: nn.Module) -> None:
        """Follow the segmentor, after its optimizer has stepped."""

    def distance(self, segmentor: nn.Module) -> Tensor | None:
        """How far the teacher's weights are from the bare segmentor's.

        A scalar, the norm of the difference over the segmentor's norm; None
        where the two cannot be compared.
        """
        return None

    def state_dict(self) -> dict:
        """What a checkpoint keeps of the teacher, if anything."""
        return {}

    def load_state_dict(self, state: dict) -> None:
        """Restore what :meth:`state_dict` returned."""


@MODELS.register_module()
class FrozenTeacher(Teacher):
    """A trained segmentor of the same classes, of any architecture.

    Args:
        config (str): Config of the teacher.
        checkpoint (str): Its weights.

    Raises:
        InputError: If config or checkpoint cannot be used, or the teacher
            has other classes or another normalisation than the segmentor.
    """

    def __init__(self, config: str, checkpoint: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.checkpoint = checkpoint

    def build(
        self, segmentor: nn.Module, classes: Sequence[str] | None = None
    ) -> None:
        device = next(segmentor.parameters()).device
        self.model = init_model(self.config, self.checkpoint, device)
        self.model.requires_grad_(False)
        numbers = self.model.num_classes, segmentor.num_classes
        if numbers[0] != numbers[1]:
            raise InputError(
                f'{self.key}.config {self.config} predicts {numbers[0]} '
                f'classes, but the segmentor {numbers[1]}: give a teacher of '
                'the same classes.'
            )
        names = self.model.dataset_meta['classes']
        if classes is not None and list(names) != list(classes):
            raise InputError(
                f'{self.key}.config {self.config} predicts the classes '
                f'{", ".join(names)}, but the training data have '
                f'{", ".join(classes)}: give a teacher of the same classes in '
                'the same order.'
            )
        # OneDL's preprocessor has the last name, OpenMMLab's the one before.
        for name in (
            *('mean', 'std'),
            *('channel_conversion', '_channel_conversion'),
        ):
            own, other = (
                torch.as_tensor(getattr(model.data_preprocessor, name, 0))
                for model in (self.model, segmentor)
            )
            if own.tolist() != other.tolist():
                raise InputError(
                    f'{self.key}.config {self.config} normalises images with '
                    f'a {name} of {own.flatten().tolist()}, but the segmentor '
                    f'with {other.flatten().tolist()}: give both the same '
                    'data_preprocessor.'
                )


@MODELS.register_module()
class EMATeacher(Teacher):
    """The exponential moving average of the segmentor that trains.

    After step i the teacher keeps ``min(1 - 1 / (i + 1), momentum)`` of its
    weights and takes the rest from the segmentor ("Mean teachers are better
    role models", NeurIPS 2017, with the start of DACS, WACV 2021). Its
    BatchNorm buffers are copies of the segmentor's.

    Args:
        momentum (float): Share of its weights that the teacher keeps in the
            long run, in [0, 1). Defaults to 0.99.
        batch_norm (str): 'running': the teacher predicts in evaluation mode,
            with the segmentor's running statistics. 'batch': it normalises
            with the target batch's own statistics, as in DACS, but for
            layers on pooled 1x1 maps, which see one value an image.
            'target': it normalises with its own running statistics of the
            target alone, moved by BatchNorm's momentum. Defaults to
            'running'.

    Raises:
        InputError: If an argument is out of range.
    """

    def __init__(
        self, momentum: float = 0.99, batch_norm: str = 'running', **kwargs
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= momentum < 1:
            wanted = 'at least 0 and below 1, the share that the teacher keeps'
            raise wrong_value(f'{self.key}.momentum', momentum, wanted)
        check_choice(f'{self.key}.batch_norm', batch_norm, tuple(BATCH_NORMS))
        self.momentum = momentum
        self.batch_norm = batch_norm

    def build(
        self, segmentor: nn.Module, classes: Sequence[str] | None = None
    ) -> None:
        """Start as a copy of the segmentor, before hooks are attached."""
        self.average = MomentumAnnealingEMA(segmentor, gamma=1)
        # The share that is taken. As an argument it could not be 1.
        self.average.momentum = 1 - self.momentum
        # Counts the copy as step 0, so that step 1 keeps half of it.
        self.average.update_parameters(segmentor)
        self.model = self.average.module.train()
        prepare = BATCH_NORMS[self.batch_norm]
        if prepare is not None:
            for module in self.model.modules():
                # norm_eval and frozen_stages keep some in evaluation mode.
                if isinstance(module, _BatchNorm) and module.training:
                    module.register_forward_pre_hook(prepare)
        self.model.eval()

    def start_iteration(self, segmentor: nn.Module) -> None:
        """Take the segmentor's buffers, which may have been broadcast."""
        if self.batch_norm == 'target':
            return
        for own, other in zip(self.model.buffers(), segmentor.buffers()):
            own.copy_(other)

    def update(self, segmentor: nn.Module) -> None:
        kept = self.batch_norm == 'target'
        own = [b.clone() for b in self.model.buffers()] if kept else ()
        self.average.update_parameters(segmentor)  # which copies buffers
        for buffer, value in zip(self.model.buffers(), own):
            buffer.copy_(value)

    @torch.no_grad()
    def distance(self, segmentor: nn.Module) -> Tensor:
        own, other = (
            torch.cat([p.detach().flatten() for p in model.parameters()])
            for model in (self.model, segmentor)
        )
        return (own - other).norm() / other.norm()

    def state_dict(self) -> dict:
        return self.average.state_dict()

    def load_state_dict(self, state: dict) -> None:
        try:
            self.average.load_state_dict(state)
        except RuntimeError as error:
            raise InputError(
                "The resumed checkpoint's teacher is of another architecture "
                'than the segmentor: resume with the model that it was '
                'trained with, or start anew with load_from and without '
                '--resume.'
            ) from error


@MODELS.register_module()
class ShuffledTeacher(EMATeacher):
    """A control: each image gets the prediction of the one before it.

    Its labels have the classes and the layout of the target's streets, but
    of another image of the batch. What they add, right labels do not explain.

    Args:
        **kwargs: As in :class:`EMATeacher`.

    Raises:
        InputError: If a batch has one image, which would get its own.
    """

    def predict(self, inputs: Tensor) -> Tensor:
        if len(inputs) < 2:
            raise InputError(
                f'{self.key} gives each image the prediction of another one, '
                'but the target batch has one image: set the batch_size of '
                'target_dataloader to 2 or more.'
            )
        return super().predict(inputs).roll(1, dims=0)

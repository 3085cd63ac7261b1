from mmengine.dist import all_reduce
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_da.adaptation.outputs import keep_random_state
from mmseg_da.apis.adapt_bn import (
    adapt_bn,
    build_target_loader,
    check_batch_norm,
)
from mmseg_da.errors import InputError
from mmseg_da.registry import HOOKS


@HOOKS.register_module()
class AdaptBNHook(Hook):
    """Ends a run with BatchNorm statistics of the target.

    After the last iteration, the running means and variances become those of
    the target's images (:func:`mmseg_da.apis.adapt_bn`); the weights stay.
    The last checkpoint and the last validation have them. A network that
    trained on batches of the source and of mixed images is a stranger to the
    statistics of the target's.

    Args:
        num_images (int, optional): Take as many of the target's images.
            Defaults to all.

    Raises:
        InputError: If the config has no hook with a ``target_dataloader``,
            the model has no BatchNorm that trains, or an ``EMAHook`` is there.

    Example:
        >>> default_hooks = dict(adapt_bn=dict(type='mmseg_da.AdaptBNHook'))
    """

    # After the optimizers' steps, before the checkpoint is saved.
    priority = 'LOW'

    def __init__(self, num_images: int | None = None) -> None:
        self.num_images = num_images

    def before_train(self, runner: Runner) -> None:
        """Find what is missing before hours of training."""
        build_target_loader(runner.cfg, self.num_images)
        check_batch_norm(runner.model)
        if any(isinstance(hook, EMAHook) for hook in runner.hooks):
            raise InputError(
                'AdaptBNHook and EMAHook cannot be combined: the averaged '
                "weights would be saved without the target's statistics. "
                'Remove AdaptBNHook, and run tools/adapt_bn.py on the last '
                'checkpoint.'
            )

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Re-estimate the statistics if this is the last iteration."""
        if not self.is_last_train_iter(runner):
            return
        model = runner.model
        segmentor = model.module if is_model_wrapper(model) else model
        loader = build_target_loader(runner.cfg, self.num_images)
        runner.logger.info(
            'BatchNorm is re-estimated on '
            f'{len(loader) * loader.batch_size} images of the target.'
        )
        with keep_random_state(segmentor):
            adapt_bn(segmentor, loader)
        for module in segmentor.modules():
            if isinstance(module, _BatchNorm):
                # Each rank has seen its share of the images.
                all_reduce(module.running_mean, 'mean')
                all_reduce(module.running_var, 'mean')

    def after_train(self, runner: Runner) -> None:
        """Say that nothing was done, if the last iteration never came."""
        if runner.iter < runner.max_iters:
            runner.logger.warning(
                'BatchNorm was not re-estimated, because training stopped '
                f'after {runner.iter} of {runner.max_iters} iterations: run '
                'tools/adapt_bn.py on the last checkpoint.'
            )

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmseg_da.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Trains with the weights of convolutions in the channels-last layout.

    Convolutions hand the layout on to what follows them. Results differ from
    the default layout's by rounding alone; checkpoints do not tell the
    layouts apart.
    """

    # Before the adaptation hook copies the segmentor for the teacher.
    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        # Not earlier: random weights fill the memory in its order, so that a
        # seed would start from others.
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        model.to(memory_format=torch.channels_last)

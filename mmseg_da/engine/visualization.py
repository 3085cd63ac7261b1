import mmcv
import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer as MMSegLocalVisualizer
from torch import Tensor

from mmseg_da.adaptation import AdaptationHook
from mmseg_da.adaptation.pictures import collect_pictures, paint, tile
from mmseg_da.errors import InputError
from mmseg_da.registry import HOOKS, VISUALIZERS


@HOOKS.register_module()
class AdaptationVisualizationHook(Hook):
    """Draws what an :class:`AdaptationHook` and its terms see.

    Every ``interval`` iterations one picture goes to the visualizer's
    backends (``vis_data/vis_image`` in the work dir, TensorBoard): the first
    image of the source batch with its label, the first of the target batch
    with its prediction and the prediction's entropy, the teacher's
    pseudo-label with its confidence, and what each term shows
    (:meth:`AdaptationTerm.pictures`). The distance of teacher and student is
    logged then too, as ``train/teacher_distance``. Training is the same to
    the last bit with and without the hook; without an AdaptationHook it does
    nothing. ``docs/see_it_train.md`` explains the picture.

    Args:
        interval (int): Iterations between two pictures. Defaults to 500.

    Raises:
        InputError: If ``interval`` is below 1.
    """

    # Before AdaptationHook updates its terms and drops the iteration.
    priority = 'HIGH'

    def __init__(self, interval: int = 500) -> None:
        if interval < 1:
            raise InputError(
                f'The interval of AdaptationVisualizationHook is {interval}: '
                'set it to at least 1 iteration.'
            )
        self.interval = interval

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Draw the iteration if it is one to be drawn."""
        if not self.every_n_train_iters(runner, self.interval):
            return
        for hook in runner.hooks:
            # Pictures need no other rank: nothing is reduced.
            if isinstance(hook, AdaptationHook) and is_main_process():
                self._draw(runner, hook)

    def _draw(self, runner: Runner, hook: AdaptationHook) -> None:
        iteration, step = hook.iteration, runner.iter + 1
        segmentor = iteration.segmentor
        pictures = collect_pictures(iteration)
        if any(term.needs_teacher for term in hook.terms.values()):
            confidence, labels = iteration.pseudo_labels
            pictures['pseudo-label'] = labels[0]
            pictures['confidence'] = confidence[0]
        for term in hook.terms.values():
            pictures.update(term.pictures(iteration))
        meta = getattr(runner.train_dataloader.dataset, 'metainfo', None) or {}
        palette = meta.get('palette') or [
            [255 * (i + 1) // segmentor.num_classes] * 3
            for i in range(segmentor.num_classes)
        ]
        look = segmentor.data_preprocessor, palette
        painted = {
            _title(name, picture): paint(picture, *look)
            for name, picture in pictures.items()
        }
        runner.visualizer.add_image('adaptation', tile(painted), step)
        distance = hook.teacher and hook.teacher.distance(segmentor)
        if distance is not None:
            name = 'train/teacher_distance'
            runner.visualizer.add_scalar(name, float(distance), step)


def _title(name: str, picture: Tensor) -> str:
    """A map's title says its mean too."""
    if picture.dim() == 2 and picture.is_floating_point():
        return f'{name}, mean {picture.float().mean():.2f}'
    return name


@VISUALIZERS.register_module()
class SegLocalVisualizer(MMSegLocalVisualizer):
    """MMSegmentation's visualizer, for predictions of any size.

    MMSegmentation's hook reads the image from its file, at full size. After
    :class:`~mmseg_da.datasets.transforms.EvaluateAtInputSize` prediction and
    label have the network's input size, and painting them raises an
    IndexError. Here the image is brought to their size.
    """

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: SegDataSample | None = None,
        **kwargs,
    ) -> None:
        """Draw an RGB image ``(H, W, 3)`` at its prediction's size."""
        height, width = getattr(data_sample, 'ori_shape', image.shape)[:2]
        if image.shape[:2] != (height, width):
            image = mmcv.imresize(image, (width, height))
        super().add_datasample(name, image, data_sample, **kwargs)

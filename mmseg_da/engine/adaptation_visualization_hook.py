from collections.abc import Sequence

import cv2
import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from mmseg_da.adaptation import AdaptationHook
from mmseg_da.adaptation.augment import to_pixels
from mmseg_da.adaptation.outputs import evaluation_mode
from mmseg_da.adaptation.terms.entropy import normalised_entropy
from mmseg_da.errors import wrong_value
from mmseg_da.registry import HOOKS

# In pixels.
CELL_WIDTH, TITLE_HEIGHT, GAP = 400, 24, 4
COLUMNS = 4
WHITE = 255


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
            key = 'interval of AdaptationVisualizationHook'
            raise wrong_value(key, interval, 'at least 1 iteration')
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
        target = iteration.target['inputs'][:1]
        with evaluation_mode(segmentor):
            logits = iteration.forward(target)
        pictures = {
            'source image': iteration.source['inputs'][0],
            'source label': iteration.source_labels[0],
            'target image': target[0],
            'prediction': logits[0].argmax(dim=0),
            'entropy': normalised_entropy(logits)[0],
        }
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


def paint(
    picture: Tensor, preprocessor: nn.Module, palette: Sequence[Sequence[int]]
) -> np.ndarray:
    """Paint an image, a label or a map as RGB ``(H, W, 3)`` of uint8.

    Args:
        picture (Tensor): A preprocessed image ``(3, H, W)``, class indices
            ``(H, W)`` of integers, or a map ``(H, W)`` of floats in [0, 1].
        preprocessor (nn.Module): It has the images' ``mean`` and ``std``.
        palette (Sequence): RGB colour of each class, 0..255. Other indices
            are black.
    """
    picture = picture.detach()
    if picture.dim() == 3:
        image = to_pixels(picture, preprocessor).clamp(0, 255).round().byte()
        return np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
    if picture.is_floating_point():
        grey = (picture.clamp(0, 1) * 255).round().byte().cpu().numpy()
        return cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)[..., ::-1]
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = palette
    return colours[picture.cpu().numpy().astype(np.uint8)]


def tile(pictures: dict[str, np.ndarray]) -> np.ndarray:
    """Lay out RGB pictures of any sizes under their titles, in ASCII."""
    cells = [_cell(title, picture) for title, picture in pictures.items()]
    rows = []
    for start in range(0, len(cells), COLUMNS):
        row = cells[start : start + COLUMNS]
        height = max(len(cell) for cell in row)
        width = COLUMNS * (CELL_WIDTH + GAP)
        strip = np.full((height + GAP, width, 3), WHITE, np.uint8)
        for column, cell in enumerate(row):
            left = column * (CELL_WIDTH + GAP)
            strip[: len(cell), left : left + CELL_WIDTH] = cell
        rows.append(strip)
    return np.concatenate(rows)


def _cell(title: str, picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    size = CELL_WIDTH, max(1, round(height * CELL_WIDTH / width))
    mode = cv2.INTER_AREA if width > CELL_WIDTH else cv2.INTER_NEAREST
    head = np.full((TITLE_HEIGHT, CELL_WIDTH, 3), WHITE, np.uint8)
    font, place = cv2.FONT_HERSHEY_SIMPLEX, (4, TITLE_HEIGHT - 8)
    cv2.putText(head, title, place, font, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([head, cv2.resize(picture, size, None, 0, 0, mode)])

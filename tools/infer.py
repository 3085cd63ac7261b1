"""Segment an image, a folder of images or a video.

CHECKPOINT is a .pth file of a training, or the file that tools/export.py
made from it. Images are resized as the config's test data set says.

    python tools/infer.py configs/da/bisenet_adv_gta2cs.py best.pth \\
        street.mp4 --out work_dirs/street
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import torch
from rich.progress import Progress

from analysis.timing import synchronize
from inference.background import WriteBehind, read_ahead
from inference.images import RECORD, Frames, check_out, write_train_ids
from launch.cli import (
    add_cfg_options,
    add_device,
    command_parser,
    one_sentence_errors,
    positive,
)
from mmseg_da.apis import init_predictor
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config
from mmseg_da.utils.files import atomic_path


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint, or exported network')
    parser.add_argument('input', help='image, folder of images, or video')
    parser.add_argument('--out', required=True, help='folder to write to')
    parser.add_argument(
        '--write',
        choices=('overlay', 'ids', 'both'),
        default='both',
        help='the image (or video) with the classes painted over it, PNGs '
        'of train ids in the colours of the classes, or both; default: both',
    )
    parser.add_argument(
        '--opacity',
        type=float,
        default=0.5,
        help='opacity of the overlay, 0 to 1; default: 0.5',
    )
    parser.add_argument(
        '--precision',
        default='fp32',
        help='fp32, bf16, or fp16 on CUDA; default: fp32',
    )
    add_device(parser)
    parser.add_argument(
        '--compile',
        action='store_true',
        help='compile the network first, which takes a minute',
    )
    parser.add_argument(
        '--threads', type=positive, help='number of CPU threads'
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


class Writer:
    """Write class maps as the arguments say. A video is there at the end."""

    def __init__(self, args, frames: Frames, palette) -> None:
        self.args, self.palette = args, palette
        # The BGR colour of each id. OpenCV's table look-up is ten times as
        # fast as indexing an array.
        self.colours = np.zeros((1, 256, 3), np.uint8)
        self.colours[0, : len(palette)] = np.array(palette)[:, ::-1]
        self.out = Path(args.out)
        # Read here, since another thread reads the video later.
        self.fps = frames.fps
        name = f'{frames.path.stem}_overlay'
        self.path = self.out / f'{name}.mp4'
        # OpenCV takes the format from the suffix.
        self.partial = self.out / f'.{name}.{os.getpid()}.part.mp4'
        self.video = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, traceback) -> None:
        if self.video is None:
            return
        self.video.release()
        if kind is None:
            self.partial.replace(self.path)
        self.partial.unlink(missing_ok=True)

    def __call__(self, name: str, image: np.ndarray, ids: np.ndarray) -> None:
        try:
            self._write(name, image, ids)
        except OSError as error:
            raise InputError(
                f'{self.out} cannot be written to ({error}): make room, or '
                'give --out another folder.'
            ) from error

    def _write(self, name: str, image: np.ndarray, ids: np.ndarray) -> None:
        if self.args.write != 'overlay':
            path = self.out / 'train_ids' / f'{name}.png'
            write_train_ids(path, ids, self.palette)
        if self.args.write == 'ids':
            return
        painted = cv2.LUT(cv2.merge([ids] * 3), self.colours)
        opacity = self.args.opacity
        overlay = cv2.addWeighted(image, 1 - opacity, painted, opacity, 0)
        if self.fps is not None:
            self._write_frame(overlay)
        else:
            _write_image(self.out / 'overlay' / f'{name}.png', overlay)

    def _write_frame(self, overlay: np.ndarray) -> None:
        if self.video is None:
            self.out.mkdir(parents=True, exist_ok=True)
            self.video = cv2.VideoWriter(
                str(self.partial),
                cv2.VideoWriter_fourcc(*'mp4v'),
                self.fps,
                overlay.shape[1::-1],
            )
            if not self.video.isOpened():
                raise InputError(
                    f'{self.path} cannot be written as a video: use '
                    '--write ids.'
                )
        self.video.write(overlay)


def _write_image(path: Path, image: np.ndarray) -> None:
    with atomic_path(path) as partial:
        _, encoded = cv2.imencode('.png', image)
        partial.write_bytes(encoded.tobytes())


class Timed:
    """A network that adds up the time of its calls."""

    def __init__(self, network, device: torch.device) -> None:
        self.network, self.device, self.seconds = network, device, 0.0

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        synchronize(self.device)
        start = time.perf_counter()
        logits = self.network(images)
        synchronize(self.device)
        self.seconds += time.perf_counter() - start
        return logits


def main(argv: Sequence[str] | None = None) -> dict:
    args = parse_args(argv)
    if not 0 <= args.opacity <= 1:
        raise InputError(f'--opacity is {args.opacity}: give 0 to 1.')
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    frames = Frames(args.input)
    check_out(args.out, args.input)
    if args.write != 'overlay' and Path(args.out, RECORD).exists():
        raise InputError(
            f'{args.out} holds pseudo-labels ({RECORD}), which would be '
            'replaced: give another --out.'
        )
    predictor = init_predictor(
        load_config(args.config, args.cfg_options),
        args.checkpoint,
        args.device,
        args.precision,
        args.compile,
    )
    timed = Timed(predictor.network, predictor.device)
    predictor.network = timed
    palette = predictor.model.dataset_meta['palette']
    count, predicting, begin = 0, 0.0, None
    with (
        Progress() as progress,
        Writer(args, frames, palette) as writer,
        WriteBehind(writer) as write,
    ):
        task = progress.add_task('Segmenting', total=len(frames) or None)
        with read_ahead(frames) as images:
            for name, image in images:
                if begin is None:
                    # The first call compiles and allocates.
                    predictor(image)
                    timed.seconds, begin = 0.0, time.perf_counter()
                start = time.perf_counter()
                ids = predictor(image)
                predicting += time.perf_counter() - start
                write(name, image, ids)
                count += 1
                progress.advance(task)
    speeds = {
        'end_to_end_fps': count / (time.perf_counter() - begin),
        'predictor_fps': count / predicting,
        'network_fps': count / timed.seconds,
    }
    print(
        f'{count} images, written to {args.out}: '
        f'{speeds["end_to_end_fps"]:.1f} FPS with reading and writing, '
        f'{speeds["predictor_fps"]:.1f} from image to class map, '
        f'{speeds["network_fps"]:.1f} of the network alone'
    )
    return {'images': count, **speeds}


if __name__ == '__main__':
    with one_sentence_errors():
        main()

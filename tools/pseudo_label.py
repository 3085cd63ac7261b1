"""Label images with a trained network, for another one to learn from.

Writes PNGs of train ids to OUT/train_ids, with 255 where the network is not
sure. A data set with label_encoding='train_ids' trains on them. Files that
exist are kept, so a stopped run goes on.

    python tools/pseudo_label.py configs/da/bisenet_adv_gta2cs.py best.pth \\
        --target --share 0.5 --out data/pseudo
"""

import argparse
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image
from rich.progress import track

from inference.images import RECORD, check_out, write_train_ids
from inference.pseudo_labels import class_thresholds, pseudo_label
from launch.cli import (
    add_cfg_options,
    add_device,
    add_model,
    command_parser,
    one_sentence_errors,
)
from mmseg_da.apis import init_model, read_image
from mmseg_da.datasets.listing import find_images, folder_of
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS
from mmseg_da.utils import explain_build_errors, load_config
from mmseg_da.utils.config_tree import find_target_loader
from mmseg_da.utils.files import atomic_path

# Images, evenly spaced, that decide on the thresholds of --share.
SAMPLE = 500


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    add_model(parser)
    parser.add_argument(
        'images',
        nargs='?',
        help="folder of images, or a quoted pattern such as 'a/*/left/*.png'",
    )
    parser.add_argument(
        '--target',
        action='store_true',
        help='label the images of the target the config adapts to, instead',
    )
    parser.add_argument('--out', required=True, help='folder to write to')
    counting = parser.add_mutually_exclusive_group()
    counting.add_argument(
        '--share',
        type=float,
        default=0.5,
        help="share of each class's pixels that is labelled, those that the "
        f'network is surest of in up to {SAMPLE} images; default: 0.5',
    )
    counting.add_argument(
        '--threshold',
        type=float,
        help='label pixels whose class has this probability, instead',
    )
    parser.add_argument(
        '--confidence',
        action='store_true',
        help='also write the probability of the class, 0 to 255, as PNGs to '
        'OUT/confidence',
    )
    add_device(parser)
    add_cfg_options(parser)
    # Else IMAGES would have to follow CHECKPOINT at once.
    args = parser.parse_intermixed_args(argv)
    if args.target == (args.images is not None):
        parser.error('give either IMAGES or --target')
    return args


def list_inputs(args, cfg: Config) -> tuple[str, dict[str, Path]]:
    """The folder or pattern of the images, and each image by its name."""
    if not args.target:
        advice = 'give a folder of images or a pattern'
        files = find_images(args.images, None, '', None, advice)
        files = {name: Path(file) for name, file in files.items()}
        return args.images, files
    _, loader = find_target_loader(cfg) or (None, None)
    if loader is None:
        raise InputError(
            f'{cfg.filename} names no target: give a folder of images, or an '
            'adaptation config.'
        )
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    with explain_build_errors(cfg):
        dataset = DATASETS.build(loader['dataset'])
    if not hasattr(dataset, 'data_prefix'):
        raise InputError(
            f'The target is a {type(dataset).__name__}: instead of --target '
            'give the folder of images of each data set in it.'
        )
    source = dataset.data_prefix['img_path']
    if getattr(dataset, 'is_video', False):
        raise InputError(
            f'The target {source} is a video: write its frames as images '
            f"('ffmpeg -i {source} FOLDER/%06d.png'), and give the folder."
        )
    folder = folder_of(source)
    paths = [
        Path(dataset.get_data_info(i)['img_path']) for i in range(len(dataset))
    ]
    names = [p.relative_to(folder).with_suffix('').as_posix() for p in paths]
    return folder, dict(zip(names, paths))


def read_record(path: Path) -> dict:
    """Read what an earlier run noted in the folder.

    Raises:
        InputError: If the file is damaged.
    """
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise InputError(
            f'{path} is damaged ({error}): delete the folder, or give '
            'another --out.'
        ) from error


def load_thresholds(
    args, model, source: str, files: list[Path]
) -> float | torch.Tensor:
    """The thresholds of an earlier run of the same settings, or new ones.

    Raises:
        InputError: If the folder holds labels of other settings or images.
    """
    weights = args.checkpoint
    if '://' not in weights:
        with Path(weights).expanduser().open('rb') as file:
            weights = hashlib.file_digest(file, 'sha256').hexdigest()
    settings = dict(
        checkpoint=weights,
        teacher=args.teacher,
        config=args.config,
        options=repr(args.cfg_options),
        threshold=args.threshold,
        share=args.share if args.threshold is None else None,
        # Another folder's images may have the same names.
        images=str(Path(source).resolve()),
    )
    path = Path(args.out, RECORD)
    if path.exists():
        record = read_record(path)
        if record['settings'] != settings:
            raise InputError(
                f'{args.out} holds labels of another checkpoint, config, '
                f'threshold or folder of images ({RECORD}): delete the '
                'folder, or give another --out.'
            )
    else:
        if any(Path(args.out, 'train_ids').rglob('*.png')):
            raise InputError(
                f'{args.out}/train_ids holds pictures, but no {RECORD} says '
                'what of: give another --out.'
            )
        thresholds = args.threshold
        if thresholds is None:
            step = -(-len(files) // SAMPLE)
            images = map(read_image, files[::step])
            images = track(
                images, 'Thresholds', total=len(files[::step]), transient=True
            )
            found = class_thresholds(model, images, args.share).tolist()
            thresholds = [None if math.isnan(t) else t for t in found]
        record = dict(settings=settings, thresholds=thresholds)
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(record, indent=2) + '\n')
    thresholds = record['thresholds']
    if isinstance(thresholds, list):
        # A class that was predicted nowhere gets no label.
        return torch.tensor(
            [float('nan') if t is None else t for t in thresholds]
        )
    return thresholds


def write_confidence(path: Path, confidence) -> None:
    """Write probabilities of 0..255 as a grey PNG."""
    with atomic_path(path) as partial:
        Image.fromarray(confidence).save(partial, format='png')


def main(argv: Sequence[str] | None = None) -> dict:
    args = parse_args(argv)
    if not 0 < args.share <= 1:
        raise InputError(
            f'--share is {args.share}: give more than 0 and at most 1.'
        )
    if args.threshold is not None and not 0 <= args.threshold <= 1:
        raise InputError(f'--threshold is {args.threshold}: give 0 to 1.')
    cfg = load_config(args.config, args.cfg_options)
    images, files = list_inputs(args, cfg)
    check_out(args.out, folder_of(images))
    model = init_model(cfg, args.checkpoint, args.device, args.teacher)
    threshold = load_thresholds(args, model, images, list(files.values()))
    palette = model.dataset_meta['palette']
    labels, levels = Path(args.out, 'train_ids'), Path(args.out, 'confidence')
    todo = [
        name
        for name in files
        if not (labels / f'{name}.png').exists()
        or (args.confidence and not (levels / f'{name}.png').exists())
    ]
    labelled = pixels = 0
    for name in track(todo, 'Labelling'):
        image = read_image(files[name])
        ids, confidence = pseudo_label(model, image, threshold)
        if args.confidence:
            write_confidence(levels / f'{name}.png', confidence)
        write_train_ids(labels / f'{name}.png', ids, palette)
        labelled += int((ids != 255).sum())
        pixels += ids.size
    share = f', {labelled / pixels:.1%} of their pixels' if pixels else ''
    print(
        f'{len(todo)} of {len(files)} images labelled{share}; the others '
        f'were there. Train on them with img_path={images!r}, '
        f"seg_map_path={str(labels)!r}, label_encoding='train_ids'."
    )
    return dict(images=len(files), labelled=len(todo))


if __name__ == '__main__':
    with one_sentence_errors():
        main()

"""Copy a config's data at the size that it is trained at.

python tools/dataset_converters/resize_dataset.py CONFIG OUT [--split target]

Decoding full-size PNGs is most of the time of loading a sample; a copy at
the config's img_scale saves it. Training on the copy sees the same pixels.
Run again, the tool writes what is missing or has changed. Validation needs
full-size labels and is not copied.
"""

import argparse
import copy
import hashlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import cv2
from mmcv.transforms import Compose
from mmengine.registry import init_default_scope
from PIL import Image
from rich.progress import track

sys.path.insert(0, str(Path(__file__).parents[1]))
from inference.images import pad_palette
from launch.cli import (
    add_cfg_options,
    add_workers,
    command_parser,
    one_sentence_errors,
)
from mmseg_da.datasets.encodings import TRAIN_IDS, guess_encoding
from mmseg_da.datasets.listing import WILDCARD, expand_path
from mmseg_da.datasets.resized import MANIFEST, read_manifest, read_stamps
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS
from mmseg_da.utils import explain_build_errors, load_config
from mmseg_da.utils.config_tree import find_target_loader
from mmseg_da.utils.files import atomic_path

SPLITS = 'train', 'target'


def write_resized(dataset_cfg: dict, out: str, workers: int = 0) -> dict:
    """Write a data set's samples as they are after the resize.

    Images become BMPs, which are lossless and read in a millisecond, where
    decoding a PNG of the same pixels takes 20. Labels become PNGs of train
    ids. Files keep their names. With the returned overrides the config
    trains on the same pixels as before; its pipeline does not change, and
    its resize has nothing to do. Called again, this function writes what is
    missing or has changed.

    Args:
        dataset_cfg (dict): Config of a :class:`FolderDataset` whose pipeline
            loads images and labels before ``mmseg_da.ResizeToScale``.
        out (str): A new folder, or one that this function wrote.
        workers (int): Number of further processes. Defaults to 0.

    Returns:
        dict: What to set in ``dataset_cfg`` to use the copy.

    Raises:
        InputError: The data set cannot be copied, a sample is unusable, or
            ``out`` holds something else.
    """
    cfg = copy.deepcopy(dataset_cfg)
    cfg['pipeline'] = _until_resize(list(cfg.get('pipeline', ())))
    cfg['lazy_init'] = True
    dataset = DATASETS.build(cfg)
    if dataset.img_scale is None:
        raise InputError(
            'The data set has no img_scale, the (width, height) of the copy: '
            'set it.'
        )
    out_root = Path(out)
    for key, path in dataset.data_prefix.items():
        own = (dataset_cfg.get('data_prefix') or {}).get(key)
        if dataset.data_root and own and os.path.isabs(expand_path(own)):
            raise InputError(
                f'data_prefix.{key} is {path}, which does not follow '
                'data_root to the copy: give it relative to data_root.'
            )
        is_pattern = WILDCARD.search(path.split('/')[-1])
        if dataset.is_video or (is_pattern and not os.path.isdir(path)):
            raise InputError(
                f'data_prefix.{key} is {path}, but only files of folders can '
                'be copied: give the folder, or a pattern of folders, and '
                'the suffix.'
            )
        is_inside = out_root.resolve().is_relative_to(Path(path).resolve())
        if is_inside and not WILDCARD.search(path):
            raise InputError(
                f'{out} is inside {path}, so that the data set would read its '
                'own copy: give a folder outside it.'
            )
    root = Path(dataset.data_root or '')
    label_suffix = _label_suffix(dataset.seg_map_suffix or '.png')
    image_suffix = _stem(dataset.img_suffix or '') + '.bmp'
    tasks, copies = [], {}
    dataset.full_init()
    for sample in map(dataset.get_data_info, range(len(dataset))):
        pairs = {}
        for key, old, new in (
            ('img_path', dataset.img_suffix, image_suffix),
            ('seg_map_path', dataset.seg_map_suffix, label_suffix),
        ):
            if key in sample:
                name = _inside(root, sample[key])
                end = len(old or Path(name).suffix)
                pairs[key] = str(out_root / (name[:-end] + new))
                copies[name] = pairs[key]
        tasks.append((sample, pairs))
    manifest = {
        'source': str(root.resolve()),
        'img_scale': list(dataset.img_scale),
        'classes': None,
        'encoding': None,
    }
    if dataset.is_labelled:
        # Without what it says in messages.
        texts = dict(expected='', expected_colours='')
        encoding = repr(replace(dataset.label_encoding, **texts)).encode()
        manifest['classes'] = list(dataset.all_classes[0])
        manifest['encoding'] = hashlib.sha256(encoding).hexdigest()
    before = read_stamps(root, copies)
    _claim(out_root, manifest, copies, before)
    work = partial(_write_one, dataset.pipeline, dataset.all_classes[1])
    done = map(work, tasks)
    if workers:
        with Pool(workers, initializer=_leave_interrupts) as pool:
            done = pool.imap_unordered(work, tasks, chunksize=4)
            _follow(done, len(tasks))
    else:
        _follow(done, len(tasks))
    counts = {'samples': len(tasks), 'available': dataset.num_available}
    written = sorted(
        Path(path).relative_to(out_root).as_posix() for path in copies.values()
    )
    whole = {**manifest, **counts, 'files': before, 'copies': written}
    _write_manifest(out_root, whole)
    overrides = {'data_root': str(out), 'img_suffix': image_suffix}
    if any('seg_map_path' in pairs for _, pairs in tasks):
        overrides['seg_map_suffix'] = label_suffix
    if dataset.ann_file:
        overrides['ann_file'] = ''
    if cfg.get('label_encoding') is not None:
        overrides['label_encoding'] = 'train_ids'
    return overrides


def _until_resize(pipeline: list[dict]) -> list[dict]:
    head = ('LoadImage', 'LoadTrainIds', 'ResizeToScale')
    types = [step['type'].rsplit('.')[-1] for step in pipeline]
    count = types.index(head[-1]) + 1 if head[-1] in types else 0
    if (
        not count
        or types[: count - 1] not in ([head[0]], list(head[:2]))
        or 'LoadTrainIds' in types[count:]
    ):
        raise InputError(
            'Only a data set whose pipeline begins with mmseg_da.LoadImage, '
            'then mmseg_da.LoadTrainIds if it has labels, then '
            f'mmseg_da.ResizeToScale can be copied, but it is {types}.'
        )
    return pipeline[:count]


def _label_suffix(suffix: str) -> str:
    guess = guess_encoding(suffix)
    if guess is not None and guess.ids == TRAIN_IDS.ids:
        return suffix
    if 'labelIds' in suffix:
        return suffix.replace('labelIds', 'labelTrainIds')
    return _stem(suffix) + '_labelTrainIds.png'


def _stem(suffix: str) -> str:
    return suffix.rpartition('.')[0]


def _inside(root: Path, path: str) -> str:
    try:
        name = Path(path).relative_to(root)
        if '..' in name.parts:
            raise ValueError
        return name.as_posix()
    except ValueError:
        raise InputError(
            f'{path} is not inside data_root ({root}): set data_root to a '
            'folder that holds both images and labels.'
        ) from None


def _claim(
    out: Path, manifest: dict, copies: dict[str, str], stamps: dict
) -> None:
    """Claim a folder for a copy, and delete stale files of an earlier one."""
    found = read_manifest(out)
    there = {str(path) for path in out.rglob('[!.]*') if path.is_file()}
    extra = there - set(copies.values()) - {str(out / MANIFEST)}
    differs = any(found.get(key) != manifest[key] for key in manifest)
    if out.exists() and (not out.is_dir() or (there and differs) or extra):
        what = next(iter(sorted(extra)), 'another copy')
        raise InputError(
            f'{out} is not empty and no copy of these samples '
            f'({what} is there): give another folder or clear it.'
        )
    # The time of a copied file does not tell whether its source was replaced
    # by another file with the same time.
    known = found.get('files') or found.get('started') or {}
    for name, path in copies.items():
        if known.get(name) != stamps[name]:
            Path(path).unlink(missing_ok=True)
    _write_manifest(out, {**manifest, 'started': stamps})


def _write_manifest(root: Path, manifest: dict) -> None:
    with atomic_path(root / MANIFEST) as part:
        part.write_text(json.dumps(manifest, indent=1) + '\n')


def _write_one(
    pipeline: Compose, palette: list, task: tuple[dict, dict[str, str]]
) -> None:
    """Write a sample's files, unless they are there with the right time."""
    sample, pairs = task
    times = {key: os.stat(sample[key]).st_mtime_ns for key in pairs}
    if all(
        os.path.exists(path) and os.stat(path).st_mtime_ns == times[key]
        for key, path in pairs.items()
    ):
        return
    # A label map of the config is applied when the copy is loaded.
    results = pipeline({**sample, 'seg_fields': [], 'label_map': None})
    for key, path in pairs.items():
        array = results['img' if key == 'img_path' else 'gt_seg_map']
        with atomic_path(path) as part:
            if key == 'img_path':
                part.write_bytes(cv2.imencode('.bmp', array)[1])
            else:
                picture = Image.fromarray(array)
                # Palette PNGs are written unfiltered, so they are read in
                # less than half the time.
                picture.putpalette(pad_palette(palette))
                picture.save(part, format='PNG', compress_level=1)
            os.utime(part, ns=(times[key], times[key]))


def _follow(done, total: int) -> None:
    for _ in track(done, 'Resizing', total):
        pass


def _leave_interrupts() -> None:
    """Ignore Ctrl-C in a worker: the parent ends its workers and reports."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(0)  # one process per core is faster


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('out', help='folder of the copy')
    parser.add_argument(
        '--split',
        choices=SPLITS,
        default='train',
        help='which data set: %(choices)s; default: %(default)s',
    )
    add_workers(parser, 'that resize; 0: none but this one')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> dict:
    args = parse_args(argv)
    if args.workers < 0:
        raise InputError(f'--workers is {args.workers}: give 0 or more.')
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    key, loader = 'train_dataloader', cfg.get('train_dataloader')
    if args.split == 'target':
        key, loader = find_target_loader(cfg) or ('target_dataloader', None)
    if not loader or not loader.get('dataset'):
        raise InputError(
            f'{args.config} has no {key}: choose another --split.'
        )
    with explain_build_errors(cfg):
        overrides = write_resized(loader['dataset'], args.out, args.workers)
    options = {
        f'{key}.dataset.{name}': value for name, value in overrides.items()
    }
    words = ' '.join(f'{name}={value}' for name, value in options.items())
    print(f'To train on the copy add\n--cfg-options {words}')
    return options


if __name__ == '__main__':
    with one_sentence_errors():
        main()

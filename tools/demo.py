"""Adapt BiSeNet from a game to a dash camera, on rendered data.

Renders the demo data, trains without and with adaptation, prints both mIoUs
on the target and draws predictions of both. If you run it again, it reuses
what is there.

    python tools/demo.py
    python tools/demo.py --all --seeds 0 1 2    # the README's table
"""

import argparse
import statistics
from pathlib import Path

from mmengine.config import Config

from launch.cli import one_sentence_errors
from mmseg_da.utils.config import REPO_ROOT
from mmseg_da.utils.config_tree import iter_dicts
from reproduction.demo_options import DATA
from reproduction.experiments import (
    last_checkpoint,
    option_words,
    run_tool,
    test,
    train,
    write_json,
)

CONFIGS = {
    'source-only': 'configs/demo/bisenet_source_only.py',
    'control': 'configs/demo/bisenet_adv_control.py',
    'source-only+BN': 'configs/demo/bisenet_adv.py',
    'adapted': 'configs/demo/bisenet_adv.py',
    'adapted+BN': 'configs/demo/bisenet_adv.py',
    'oracle': 'configs/demo/bisenet_oracle.py',
}
SHORT_SIZES = ['--num-source', '16', '--num-target', '16']
SHORT_SIZES += ['--num-labelled', '4', '--num-val', '4']


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--all',
        action='store_true',
        help='also the control (lambda = 0), BatchNorm statistics '
        're-estimated on the target, and the oracle',
    )
    parser.add_argument(
        '--seeds',
        type=int,
        nargs='+',
        default=[0],
        help='seeds to train with; default: 0',
    )
    parser.add_argument(
        '--short',
        action='store_true',
        help='few images and 10 iterations: shows only that it runs',
    )
    return parser.parse_args()


def data_options(name: str, data: str, short: bool) -> dict[str, object]:
    """Choose the ``--cfg-options`` that lead to the short demo's data."""
    if not short:
        return {}
    cfg = Config.fromfile(str(REPO_ROOT / CONFIGS[name]))
    loaders = [f'{name}_dataloader' for name in ('train', 'val', 'test')]
    return {
        f'{key}.data_root': node['data_root'].replace(DATA, data, 1)
        for part in (*loaders, 'default_hooks')
        for key, node in iter_dicts(cfg[part], part)
        if 'data_root' in node
    }


def demo_options(
    name: str, data: str, seed: int, short: bool
) -> dict[str, object]:
    """Choose the ``--cfg-options`` that a variant is trained with."""
    options: dict[str, object] = {'randomness.seed': seed}
    if short:
        options['train_cfg.max_iters'] = 10
    return options | data_options(name, data, short)


def run_variant(
    name: str, seed: int, work: Path, data: str, short: bool
) -> dict[str, float]:
    """Train or re-estimate one row and return its metrics."""
    config, folder = CONFIGS[name], work / f'{name}_seed{seed}'
    title = f'{name} {seed}'
    if name.endswith('+BN'):
        trained = name.removesuffix('+BN')
        source = last_checkpoint(work / f'{trained}_seed{seed}')
        adapted, options = folder / 'bn.pth', data_options(name, data, short)
        if not adapted.exists():
            words = ['tools/adapt_bn.py', config, str(source)]
            words += ['--out', str(adapted), *option_words(options)]
            run_tool(words, folder / 'bn.log', title)
        return test(config, adapted, folder, options, title)
    options = demo_options(name, data, seed, short)
    return train(config, folder, options, title)


def print_table(results: dict[str, list[dict]]) -> None:
    """Print IoU by class and mIoU, one column per variant."""
    names = list(results)
    classes = dict.fromkeys(
        key for runs in results.values() for run in runs for key in run
    )
    rows = [key for key in classes if key.startswith('IoU.')] + ['mIoU']
    print(f'\n{"IoU in percent":16s}' + ''.join(f'{n:>17s}' for n in names))
    for row in rows:
        cells = []
        for name in names:
            values = [run[row] for run in results[name] if row in run]
            cells.append(f'{show(values):>17s}')
        print(f'{row.removeprefix("IoU."):16s}' + ''.join(cells))


def show(values: list[float]) -> str:
    """Format the mean, and the sample standard deviation of seeds."""
    if not values:
        return '-'
    text = f'{statistics.mean(values):.2f}'
    if len(values) > 1:
        text += f' +- {statistics.stdev(values):.2f}'
    return text


def main() -> None:
    args = parse_args()
    suffix = '_short' if args.short else ''
    data, work = f'data/demo{suffix}', Path(f'work_dirs/demo{suffix}')
    words = ['tools/dataset_converters/make_demo_data.py', '--out', data]
    run_tool(
        [*words, *(SHORT_SIZES if args.short else [])],
        work / 'data.log',
        'demo data',
    )
    names = list(CONFIGS) if args.all else ['source-only', 'adapted']
    results: dict[str, list[dict]] = {name: [] for name in names}
    for seed in args.seeds:
        for name in names:
            results[name].append(
                run_variant(name, seed, work, data, args.short)
            )
    print_table(results)
    write_json(work / 'results.json', results)

    images = sorted(Path(data).glob('cityscapes/leftImg8bit/val/*/*.png'))
    picture = work / 'demo.png'
    words = ['tools/analysis/qualitative.py', '--out', str(picture)]
    words += ['--images', *map(str, images[:: max(1, len(images) // 4)][:4])]
    for name in ('source-only', 'adapted'):
        trained = last_checkpoint(work / f'{name}_seed{args.seeds[0]}')
        words += ['--models', CONFIGS[name], str(trained), name]
    run_tool(words, work / 'picture.log', 'picture')
    print(f'\nPicture: {picture}\nAll numbers: {work / "results.json"}')


if __name__ == '__main__':
    with one_sentence_errors():
        main()

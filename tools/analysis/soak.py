"""Train for long at small size and watch the memory of every process.

Trains the config in a process of its own, samples the resident memory of this
process and of its workers, and draws the curves. Fails if one of them grows.

    python tools/analysis/soak.py configs/demo/bisenet_adv.py --iters 5000
"""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from mmengine.fileio import dump

sys.path.insert(0, str(Path(__file__).parents[1]))
from analysis.grid import save_figure
from launch.cli import command_parser, one_sentence_errors
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config
from mmseg_da.utils.config import REPO_ROOT
from mmseg_da.utils.config_tree import find_target_loader

SOURCE_SCALE, TARGET_SCALE = '(64,36)', '(64,32)'
ITERATION = re.compile(r'Iter\(train\) *\[ *(\d+)/')
# Caches, workers and the allocator settle in the first fifth.
WARM_UP = 0.2


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config that adapts to a target')
    parser.add_argument(
        '--iters',
        type=int,
        default=5000,
        help='iterations to train; default: %(default)s',
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/soak'),
        help='folder of the training; default: %(default)s',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/soak'),
        help='folder for the curves; default: %(default)s',
    )
    parser.add_argument(
        '--limit',
        type=float,
        default=2.0,
        help='largest growth of either after warm-up, in MiB per 1,000 '
        'iterations; default: %(default)s',
    )
    return parser.parse_args(argv)


def command(config: str, iters: int, work_dir: Path) -> list[str]:
    """The training command, at small size and without validation."""
    target = find_target_loader(load_config(config))
    if target is None:
        raise InputError(f'{config} has no target: give one that adapts.')
    key = target[0]
    return [
        'tools/train.py',
        config,
        *('--work-dir', str(work_dir), '--cfg-options'),
        f'train_cfg.max_iters={iters}',
        f'train_cfg.val_begin={iters + 1}',
        'train_dataloader.batch_size=2',
        f'train_dataloader.dataset.img_scale={SOURCE_SCALE}',
        f'{key}.dataset.img_scale={TARGET_SCALE}',
        'default_hooks.logger.interval=50',
        'default_hooks.checkpoint.interval=1000',
    ]


def resident(pid: int) -> float:
    """Read the resident memory of a process in MiB; 0 if it has ended."""
    try:
        status = Path(f'/proc/{pid}/status').read_text()
    except OSError:
        return 0.0
    found = re.search(r'VmRSS:\s+(\d+) kB', status)
    return int(found[1]) / 1024 if found else 0.0


def children(pid: int) -> list[int]:
    """List the processes that a process has started, such as workers."""
    try:
        text = Path(f'/proc/{pid}/task/{pid}/children').read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def watch(words: Sequence[str], log: Path) -> list[dict[str, float]]:
    """Run the training and sample its memory at every logged iteration."""
    samples = []
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open('w', buffering=1) as file,
        subprocess.Popen(
            [sys.executable, str(REPO_ROOT / words[0]), *words[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        started = time.monotonic()
        for line in process.stdout:
            file.write(line)
            found = ITERATION.search(line)
            if found:
                samples.append(
                    dict(
                        iteration=int(found[1]),
                        seconds=round(time.monotonic() - started, 1),
                        training=resident(process.pid),
                        workers=sum(map(resident, children(process.pid))),
                    )
                )
                print(f'\r{samples[-1]}', end='', flush=True)
    print()
    if process.returncode or not samples:
        raise InputError(f'The training failed: see {log}.')
    return samples


def growth(samples: Sequence[dict[str, float]], name: str) -> float:
    """Fit the growth after warm-up, in MiB per 1,000 iterations."""
    kept = samples[int(len(samples) * WARM_UP) :]
    xs = [s['iteration'] / 1000 for s in kept]
    ys = [s[name] for s in kept]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys))
    return above / max(sum((x - mean_x) ** 2 for x in xs), 1e-9)


def check_growth(growths: dict[str, float], limit: float) -> None:
    """Refuse memory that grows.

    Args:
        growths (dict[str, float]): MiB per 1,000 iterations, by name.
        limit (float): Largest growth that passes.

    Raises:
        InputError: If a growth is larger.
    """
    name = max(growths, key=growths.get)
    if growths[name] > limit:
        raise InputError(
            f'The memory of {name} grows by {growths[name]:.2f} MiB per '
            f'1,000 iterations, expected at most {limit:g}: look for what '
            'keeps tensors, or run longer (--iters) if it is still settling.'
        )


def draw(samples: Sequence[dict[str, float]], out: Path) -> None:
    """Draw memory against iterations."""
    figure = Figure(figsize=(7, 3.5), layout='constrained')
    axes = figure.subplots()
    for name in ('training', 'workers'):
        axes.plot(
            [s['iteration'] for s in samples],
            [s[name] for s in samples],
            label=f'{name}: {growth(samples, name):+.2f} MiB per 1,000',
        )
    axes.set(xlabel='iteration', ylabel='resident memory, MiB', ylim=(0, None))
    axes.legend()
    save_figure(figure, out)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    words = command(args.config, args.iters, args.work_dir)
    samples = watch(words, args.work_dir / 'output.log')
    result = dict(
        command=['python', *words],
        growth_mib_per_1000_iterations={
            name: round(growth(samples, name), 3)
            for name in ('training', 'workers')
        },
        samples=samples,
    )
    dump(result, args.out / 'soak.json', indent=1)
    draw(samples, args.out / 'soak.png')
    growths = result['growth_mib_per_1000_iterations']
    print(growths)
    # The check comes last, so that a failure leaves the curves.
    check_growth(growths, args.limit)


if __name__ == '__main__':
    with one_sentence_errors():
        main()

"""tools/demo.py with the runner of the tools replaced by a note of it."""

import json
import runpy
import sys
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest

from mmseg_da.utils import load_config
from reproduction import experiments

ROOT = Path(__file__).parents[2]
CONFIGS = {
    'source-only': 'configs/demo/bisenet_source_only.py',
    'control': 'configs/demo/bisenet_adv_control.py',
    'source-only+BN': 'configs/demo/bisenet_adv.py',
    'adapted': 'configs/demo/bisenet_adv.py',
    'adapted+BN': 'configs/demo/bisenet_adv.py',
    'oracle': 'configs/demo/bisenet_oracle.py',
}
VAL_TEST = ('val', 'test')
MIOU = dict(zip(CONFIGS, (15, 16, 17, 18, 19, 24)))


class Tools:
    """Stands for ``run_tool``: notes the words, writes what is read back.

    A variant's mIoU is its number in ``MIOU`` plus its seed.
    """

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, words: list[str], log: Path, title: str) -> None:
        self.calls.append(list(words))
        if words[0] == 'tools/train.py':
            self.train(Path(words[words.index('--work-dir') + 1]))
        elif words[0] == 'tools/test.py':
            work_dir = Path(words[words.index('--work-dir') + 1])
            write(work_dir / '20260101_0/20260101_0.json', metrics(work_dir))
        elif words[0] == 'tools/adapt_bn.py':
            out = Path(words[words.index('--out') + 1])
            out.parent.mkdir(parents=True)
            out.touch()

    def train(self, work_dir: Path) -> None:
        scalars = work_dir / '20260101_0/vis_data/scalars.json'
        write(scalars, metrics(work_dir) | {'step': 300})
        last = work_dir / 'last_checkpoint'
        last.write_text(str(work_dir / 'iter_300.pth'))

    def named(self, tool: str) -> list[list[str]]:
        return [words for words in self.calls if words[0] == tool]


def metrics(work_dir: Path) -> dict[str, float]:
    name, seed = work_dir.name.split('_seed')
    value = MIOU[name] + int(seed)
    row = {'IoU.road': value + 50.25, 'mIoU': value}
    # A class that one variant alone has seen.
    return row | ({'IoU.sky': 1.5} if name == 'oracle' else {})


def write(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content) + '\n')


@pytest.fixture
def run(monkeypatch, folder: Path):
    """Runs the demo in an empty folder; returns what it ran."""

    def run(*words: str) -> Tools:
        tools = Tools()
        with monkeypatch.context() as patch:
            patch.setattr(experiments, 'run_tool', tools)
            patch.setattr(sys, 'argv', ['tools/demo.py', *words])
            runpy.run_path(str(ROOT / 'tools/demo.py'))['main']()
        return tools

    return run


def train_words(name: str, seed: int, *options: str) -> list[str]:
    work_dir = f'work_dirs/demo/{name}_seed{seed}'
    words = ['tools/train.py', CONFIGS[name], '--work-dir', work_dir]
    words += ['--cfg-options', f'randomness.seed={seed}', *options]
    return [*words, '--resume']


def test_every_variant_of_every_seed_is_run(run) -> None:
    tools = run('--all', '--seeds', '3', '5')
    assert tools.calls[0] == [
        'tools/dataset_converters/make_demo_data.py',
        '--out',
        'data/demo',
    ]
    assert tools.named('tools/train.py') == [
        train_words(name, seed)
        for seed in (3, 5)
        for name in ('source-only', 'control', 'adapted', 'oracle')
    ]
    work = 'work_dirs/demo'
    pairs = [(n, s) for s in (3, 5) for n in ('source-only', 'adapted')]
    assert tools.named('tools/adapt_bn.py') == [
        [
            *('tools/adapt_bn.py', 'configs/demo/bisenet_adv.py'),
            f'{work}/{name}_seed{seed}/iter_300.pth',
            *('--out', f'{work}/{name}+BN_seed{seed}/bn.pth'),
        ]
        for name, seed in pairs
    ]
    assert tools.named('tools/test.py') == [
        [
            *('tools/test.py', 'configs/demo/bisenet_adv.py'),
            f'{work}/{name}+BN_seed{seed}/bn.pth',
            *('--work-dir', f'{work}/{name}+BN_seed{seed}'),
        ]
        for name, seed in pairs
    ]
    assert len(tools.calls) == 1 + 8 + 4 + 4 + 1


def test_the_picture_shows_the_first_seed(run, folder: Path) -> None:
    val = folder / 'data/demo/cityscapes/leftImg8bit/val/ulm'
    val.mkdir(parents=True)
    for i in range(8):
        (val / f'{i}.png').touch()
    picture = run('--seeds', '4', '2').calls[-1]
    images = [f'{val.relative_to(folder)}/{i}.png' for i in (0, 2, 4, 6)]
    assert picture == [
        *('tools/analysis/qualitative.py', '--out'),
        *('work_dirs/demo/demo.png', '--images', *images),
        *('--models', CONFIGS['source-only']),
        *('work_dirs/demo/source-only_seed4/iter_300.pth', 'source-only'),
        *('--models', CONFIGS['adapted']),
        *('work_dirs/demo/adapted_seed4/iter_300.pth', 'adapted'),
    ]


HOOK = 'default_hooks.adversarial.target_dataloader'


def short_roots(train_part: str, adapts: bool) -> list[str]:
    """The options that send every loader to the short demo's data."""
    loaders = [('train_dataloader', train_part)]
    loaders += [(f'{name}_dataloader', 'cityscapes') for name in VAL_TEST]
    loaders += [(HOOK, 'cityscapes')] if adapts else []
    return [
        f'{loader}.dataset.data_root=data/demo_short/{part}'
        for loader, part in loaders
    ]


def test_short_is_ten_iterations_on_data_of_its_own(run) -> None:
    tools = run('--all', '--short')
    words = tools.calls[0]
    assert words[1:3] == ['--out', 'data/demo_short']
    assert words[words.index('--num-source') + 1] == '16'
    short = [
        train_words(name, 0, 'train_cfg.max_iters=10', *short_roots(*roots))
        for name, roots in {
            'source-only': ('gta5', False),
            'control': ('gta5', True),
            'adapted': ('gta5', True),
            # Its folders are Cityscapes'.
            'oracle': ('cityscapes', False),
        }.items()
    ]
    assert tools.named('tools/train.py') == [
        [word.replace('work_dirs/demo', 'work_dirs/demo_short') for word in w]
        for w in short
    ]


@pytest.mark.parametrize('tool', ['tools/adapt_bn.py', 'tools/test.py'])
def test_short_statistics_are_of_the_short_data(run, tool: str) -> None:
    commands = run('--all', '--short').named(tool)
    assert len(commands) == 2
    for words in commands:
        start = words.index('--cfg-options')
        assert words[start + 1 :] == short_roots('gta5', True)


def test_every_short_root_is_one_of_the_config(run) -> None:
    """A misspelt option would be added, and the long demo's data read."""
    for words in run('--all', '--short').named('tools/train.py'):
        cfg = load_config(ROOT / words[1])
        for option in words[words.index('--cfg-options') + 1 :]:
            key, _, root = option.partition('=')
            if key.endswith('data_root'):
                value = reduce(getitem, key.split('.'), cfg)
                assert Path(value).name == Path(root).name


def test_what_is_done_is_not_repeated(run, capsys) -> None:
    run('--all')
    first = capsys.readouterr().out
    again = run('--all')
    assert [words[0] for words in again.calls] == [
        'tools/dataset_converters/make_demo_data.py',
        'tools/analysis/qualitative.py',
    ]
    assert capsys.readouterr().out == first
    # One more seed is all that is trained.
    more = run('--all', '--seeds', '0', '1').named('tools/train.py')
    assert len(more) == 4
    assert all('randomness.seed=1' in words for words in more)


def test_an_adapted_checkpoint_is_tested_where_it_was_stopped(
    run, folder: Path
) -> None:
    run('--all')
    (folder / 'work_dirs/demo/adapted+BN_seed0/experiment.json').unlink()
    again = run('--all')
    assert again.named('tools/adapt_bn.py') == []
    (words,) = again.named('tools/test.py')
    assert words[2] == 'work_dirs/demo/adapted+BN_seed0/bn.pth'


def rows(text: str) -> dict[str, list[str]]:
    """The printed table, cells apart, by the name of the row."""
    lines = [line for line in text.splitlines() if line.strip()]
    table = lines[: 1 + next(i for i, x in enumerate(lines) if 'mIoU' in x)]
    return {
        line[:16].strip(): [
            line[i : i + 17].strip() for i in range(16, len(line), 17)
        ]
        for line in table
    }


def test_the_table_of_one_seed(run, capsys, folder: Path) -> None:
    run('--all')
    text = capsys.readouterr().out
    assert rows(text) == {
        'IoU in percent': list(CONFIGS),
        'road': [f'{value + 50.25:.2f}' for value in MIOU.values()],
        'sky': ['-'] * 5 + ['1.50'],
        'mIoU': [f'{value:.2f}' for value in MIOU.values()],
    }
    assert text.endswith(
        'Picture: work_dirs/demo/demo.png\n'
        'All numbers: work_dirs/demo/results.json\n'
    )
    results = json.loads((folder / 'work_dirs/demo/results.json').read_text())
    assert {k: [run['mIoU'] for run in v] for k, v in results.items()} == {
        name: [value] for name, value in MIOU.items()
    }


def test_the_table_of_several_seeds(run, capsys) -> None:
    run('--seeds', '0', '2', '7')
    # Mean and sample standard deviation, sqrt((9 + 1 + 16) / 2).
    assert rows(capsys.readouterr().out) == {
        'IoU in percent': ['source-only', 'adapted'],
        'road': ['68.25 +- 3.61', '71.25 +- 3.61'],
        'mIoU': ['18.00 +- 3.61', '21.00 +- 3.61'],
    }

"""tools/demo.py with the runner of the tools replaced by a note of it."""

import json
import runpy
import sys
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_da.utils import load_config
from reproduction import experiments
from reproduction.comparison import read_comparison

ROOT = Path(__file__).parents[2]
DEMO = read_comparison('demo')
NAMES = [Path(method.config).stem for method in DEMO.methods]
MIOU = dict(zip(NAMES, (12, 15, 20, 18, 22, 25)))
RUN = 'bisenet_start', 'bisenet_source-only', 'bisenet_adapted'


class Tools:
    """Stands for ``run_tool``: notes the words, writes what is read back.

    A row's mIoU is its number in ``MIOU`` plus its seed.
    """

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, words: list[str], log: Path, title: str) -> None:
        self.calls.append(list(words))
        if words[0] == 'tools/train.py':
            work_dir = Path(words[words.index('--work-dir') + 1])
            scalars = work_dir / '20260101_0/vis_data/scalars.json'
            scalars.parent.mkdir(parents=True, exist_ok=True)
            lines = [dict(loss=1.0, time=0.5, step=1), metrics(work_dir)]
            scalars.write_text(''.join(f'{json.dumps(x)}\n' for x in lines))
            last = work_dir / 'last_checkpoint'
            last.write_text(str(work_dir / 'iter_300.pth'))

    def named(self, tool: str) -> list[list[str]]:
        return [words for words in self.calls if words[0] == tool]


def metrics(work_dir: Path) -> dict[str, float]:
    name, seed = work_dir.name.split('_seed')
    value = MIOU[name] + int(seed)
    found = {f'IoU.{kind}': value + 50.25 for kind in DEMO.classes}
    # A class that is neither in the images nor predicted has no IoU.
    found |= {'mIoU': value, 'step': 300}
    return {k: v for k, v in found.items() if k != 'IoU.train' or value > 20}


@pytest.fixture
def run(monkeypatch, folder: Path):
    """Runs the demo in an empty folder; returns what it ran."""

    def run(*words: str) -> Tools:
        tools = Tools()
        with monkeypatch.context() as patch:
            patch.setattr(experiments, 'run_tool', tools)
            patch.setattr(sys, 'argv', ['tools/demo.py', *words])
            main = runpy.run_path(str(ROOT / 'tools/demo.py'))['main']
            patch.setitem(main.__globals__, 'run_tool', tools)
            main()
        return tools

    return run


def trained(tools: Tools) -> list[str]:
    """Configs that were trained, in order."""
    return [Path(words[1]).stem for words in tools.named('tools/train.py')]


def test_the_adapted_run_goes_on_from_the_source_only_start(run) -> None:
    tools = run('--seeds', '3')
    data, *trainings, picture = tools.calls
    assert data == [
        'tools/dataset_converters/make_demo_data.py',
        *('--out', 'data/demo'),
    ]
    assert trained(tools) == list(RUN)
    start = 'load_from=work_dirs/demo/bisenet_start_seed3/iter_300.pth'
    assert [start in words for words in trainings] == [False, True, True]
    assert all('randomness.seed=3' in words for words in trainings)
    assert picture[0] == 'tools/analysis/qualitative.py'


def test_the_rows_are_trained_equally_long() -> None:
    """Start and row together are as long as the oracle."""
    iterations = {
        method.label: load_config(ROOT / method.config).train_cfg.max_iters
        for method in DEMO.methods
    }
    start = iterations.pop('start')
    oracle = iterations.pop('oracle')
    assert {start + one for one in iterations.values()} == {oracle}


def test_all_is_every_row_and_a_report(run, folder: Path) -> None:
    tools = run('--all', '--seeds', '0', '1')
    assert sorted(trained(tools)) == sorted(2 * NAMES)
    report = (folder / 'work_dirs/demo/report.md').read_text()
    # 22 of the 10 between 15 and 25, for both seeds; 2 over the control.
    assert '| adapted | 22.50 ± 0.71 | 2.00 ± 0.00 (2 of 2) over' in report
    assert '| 70% | 1.00 |' in report


def test_the_picture_shows_the_first_seed(run, folder: Path) -> None:
    val = folder / 'data/demo/cityscapes/leftImg8bit/val/ulm'
    val.mkdir(parents=True)
    for i in range(8):
        (val / f'{i}.png').touch()
    picture = run('--seeds', '4', '2').calls[-1]
    images = [f'{val.relative_to(folder)}/{i}.png' for i in (0, 2, 4, 6)]
    work = 'work_dirs/demo'
    assert picture == [
        *('tools/analysis/qualitative.py', '--out'),
        *(f'{work}/demo.png', '--images', *images),
        *('--models', 'configs/demo/bisenet_source-only.py'),
        *(f'{work}/bisenet_source-only_seed4/iter_300.pth', 'source only'),
        *('--models', 'configs/demo/bisenet_adapted.py'),
        *(f'{work}/bisenet_adapted_seed4/iter_300.pth', 'adapted'),
    ]


def test_short_is_a_few_iterations_on_data_of_its_own(run) -> None:
    tools = run('--all', '--short')
    words = tools.calls[0]
    assert words[1:3] == ['--out', 'data/short/demo']
    assert words[words.index('--num-source') + 1] == '16'
    for words in tools.named('tools/train.py'):
        assert 'work_dirs/demo_short/' in words[3]
        assert 'train_cfg.max_iters=25' in words
        cfg = Config.fromfile(ROOT / words[1])
        roots = 0
        for option in words[words.index('--cfg-options') + 1 :]:
            key, _, root = option.partition('=')
            if key.endswith('data_root'):
                # A misspelt option would be added, and the long demo's data
                # read.
                value = reduce(getitem, key.split('.'), cfg)
                assert value.replace('data/', 'data/short/', 1) == root
                roots += 1
        assert roots == 3 + ('adaptation' in cfg.default_hooks)


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
    assert len(more) == len(NAMES)
    assert all('randomness.seed=1' in words for words in more)


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
    run()
    text = capsys.readouterr().out
    found = rows(text)
    assert found['IoU in percent'] == ['source only', 'adapted']
    assert found['road'] == ['65.2', '72.2']
    assert found['train'] == ['-', '72.2']
    assert found['mIoU'] == ['15.0', '22.0']
    assert text.endswith(
        'Picture: work_dirs/demo/demo.png\n'
        'All numbers: work_dirs/demo/results.json\n'
    )
    results = json.loads((folder / 'work_dirs/demo/results.json').read_text())
    assert results['adapted']['plain'][0]['mIoU'] == 22


def test_the_table_of_several_seeds(run, capsys) -> None:
    run('--seeds', '0', '2', '7')
    # Mean and sample standard deviation, sqrt((9 + 1 + 16) / 2).
    assert rows(capsys.readouterr().out)['mIoU'] == [
        '18.0 +- 3.6',
        '25.0 +- 3.6',
    ]

"""tools/reproduce.py as a user runs it, on runs that are there already."""

import json
import runpy
from pathlib import Path

import pytest

from reproduction.experiments import write_json
from reproduction.suites import CLASSES, select_rows

ROOT = Path(__file__).parents[3]
NONE = select_rows('table2')[0]


@pytest.fixture
def main():
    return runpy.run_path(str(ROOT / 'tools/reproduce.py'))['main']


@pytest.fixture
def reproduce(main, tmp_path, monkeypatch):
    """Run the tool in an empty folder; gives its exit status."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr('sys.argv', ['reproduce.py', *words])
        return main()

    return run


def leave_a_run(work_dir: Path) -> None:
    """Losses, a validation and a checkpoint, as a finished run has them."""
    scalars = work_dir / '20260101_000000/vis_data/scalars.json'
    scalars.parent.mkdir(parents=True)
    lines = [dict(loss=3.0, step=40), dict(mIoU=12.5, step=80)]
    scalars.write_text('\n'.join(map(json.dumps, lines)))
    write_json(work_dir / 'experiment.json', dict(metrics={}, command=['x']))
    write_json(work_dir / 'status.json', dict(seconds=7.0, finished=True))
    (work_dir / 'best_mIoU_iter_80.pth').touch()


def leave_data(data: Path) -> list[Path]:
    """Counted classes of both data sets, and the names of val images."""
    counts = dict(
        classes=CLASSES, pixel_counts=[1] * len(CLASSES), num_images=1
    )
    for name in ('gta5', 'cityscapes'):
        write_json(data / name / 'class_statistics.json', counts)
    folder = data / 'cityscapes/leftImg8bit/val/ulm'
    folder.mkdir(parents=True)
    images = [folder / f'ulm_{i}_leftImg8bit.png' for i in range(6)]
    for image in images:
        image.touch()
    return images


def test_report_only(reproduce, tmp_path, monkeypatch, capsys):
    out = tmp_path / 'runs'
    leave_a_run(out / NONE.name)
    images = leave_data(tmp_path / 'data/demo')
    drawn = []

    def draw(comparison, path, **_):
        drawn.append(comparison)
        path.write_bytes(b'\x89PNG')
        return path

    monkeypatch.setattr(
        'reproduction.figures.compare_models',
        lambda chosen, models: (list(chosen), models),
    )
    monkeypatch.setattr('reproduction.figures.draw_predictions', draw)
    assert reproduce('--out', str(out), '--report-only') == 0
    report = out / 'report'
    printed = capsys.readouterr().out.split()
    names = ['report.md', 'report.html', 'results.json']
    assert [Path(line) for line in printed] == [report / n for n in names]
    text = (report / 'report.md').read_text()
    assert '22 rows: 1 done, 21 not run.' in text
    assert '| none | 14.57 | 12.50 | not run |' in text
    # Figure 1, the one run's column of Figure 3, its curve; no other curve.
    figures = {path.name for path in (report / 'figures').iterdir()}
    assert figures == {'figure1.png', 'figure3.png', 'table2.png'}
    row = out / NONE.name
    model = str(row / f'{NONE.name}.py'), row / 'best_mIoU_iter_80.pth'
    assert drawn == [
        (
            [images[i].relative_to(tmp_path) for i in (1, 3, 5)],
            [(*model, 'Source only')],
        )
    ]
    html = (report / 'report.html').read_text()
    assert html.count('src="data:image/png;base64,') == len(figures)


def test_nothing_there_is_a_report_of_rows_not_run(reproduce, tmp_path):
    assert reproduce('--suite', 'paper', '--report-only') == 0
    report = tmp_path / 'work_dirs/reproduce_paper/report/report.md'
    assert '22 rows: 22 not run.' in report.read_text()


def test_failed_rows_are_its_exit_status(
    main, reproduce, tmp_path, monkeypatch
):
    done = []
    for name in ('make_demo_data', 'check_data', 'make_statistics'):
        monkeypatch.setitem(
            main.__globals__, name, lambda *_, n=name: done.append(n)
        )
    monkeypatch.setitem(main.__globals__, 'run_benchmarks', lambda *_: None)
    monkeypatch.setitem(
        main.__globals__, 'run_rows', lambda rows, *_: [rows[0].name]
    )
    assert reproduce('--only', 'table3') == 1
    assert done == ['make_demo_data', 'check_data', 'make_statistics']
    assert (tmp_path / 'work_dirs/reproduce_demo/report/report.md').is_file()

"""The suites' rows, how they are run, and the report of their results."""

import json
import re
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from mmseg_da.errors import InputError
from mmseg_da.utils import load_config
from reproduction import (
    ROWS,
    SUITES,
    TABLES,
    build_report,
    collect_row,
    experiments,
    run_rows,
    select_rows,
)
from reproduction.collect import best_checkpoint
from reproduction.demo_options import PARTS, demo_options
from reproduction.experiments import write_json
from reproduction.html_elements import Html, element
from reproduction.report_html import render_html
from reproduction.report_markdown import render_markdown
from reproduction.run import check_data
from reproduction.suites import CLASSES, PAPER, Row

ROOT = Path(__file__).parents[3]
DEMO = SUITES['demo']
NONE, FLIP = select_rows('table2')[:2]
EVIL = '<script>alert("1")</script>|`x`'


def finish(row: Row, out: Path, validations, seconds=10.0, losses=()) -> None:
    """Leave what a finished run leaves; validations: (step, mIoU)."""
    work_dir = out / row.name
    lines = [dict(loss=loss, step=step) for step, loss in losses]
    lines += [
        {'mIoU': miou, 'IoU.road': miou + 1, 'aAcc': 99, 'step': step}
        for step, miou in validations
    ]
    path = work_dir / '20260101_000000/vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(map(json.dumps, lines)))
    write_json(work_dir / 'experiment.json', dict(metrics={}, command=['x']))
    status = dict(seconds=seconds, error=None, finished=True)
    write_json(work_dir / 'status.json', status)


# Rows


def test_rows_are_the_papers():
    in_rows = {(row.table, row.label) for row in ROWS if row.paper}
    in_paper = set()
    for table, content in PAPER.items():
        if table != 'classes':
            rows = content.get('rows', content)
            in_paper |= {(table, label) for label in rows}
    assert in_rows == in_paper
    assert len(in_paper) == 20
    own = [row.name for row in ROWS if not row.paper]
    assert own == ['deeplabv2_jitter_gta2cs', 'deeplabv2_adv_gta2cs']


def test_rows_have_configs_and_tables_of_their_own():
    assert all((ROOT / row.config).is_file() for row in ROWS)
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert list(dict.fromkeys(row.table for row in ROWS)) == list(TABLES)


def test_papers_numbers_by_row():
    by_name = {row.name: row.paper for row in ROWS}
    assert by_name['bisenet_crop_10e_gta2cs'] == {'mIoU': 12.36}
    weighted = by_name['bisenet_adv_dice-mf_gta2cs']
    assert (weighted['mIoU'], weighted['IoU']['car']) == (25.97, 68.58)
    assert by_name['bisenet_adv_focal-dice-a0.3_gta2cs']['mIoU'] == 22.06
    assert by_name['deeplabv2_ce_cityscapes']['params_M'] == 43.9


def test_only_selects_by_table_label_or_name():
    assert [row.label for row in select_rows('table3')] == ['adv']
    assert len(select_rows('table4')) == 7
    assert len(select_rows('deeplabv2_??_city')) == 2
    assert select_rows('table2/none') == [NONE]
    assert select_rows(NONE.name) == [NONE]
    assert len(select_rows()) == len(ROWS) == 22
    with pytest.raises(InputError, match='--only tabel4 matches no row'):
        select_rows('tabel4')


# Demo options


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.name)
def test_demo_changes_only_data_size_length_and_weights(row):
    options = demo_options(row.config)
    small, full = load_config(row.config, options), load_config(row.config)
    for part in (*PARTS, 'test_dataloader'):
        assert not re.search(r"'data/(?!demo)", repr(small[part]))
    assert "type='Pretrained'" not in repr(small.model)
    loaders = [small.train_dataloader, small.val_dataloader]
    loaders.append(small.test_dataloader)
    hook = small.default_hooks.get('adversarial')
    if hook:
        loaders.append(hook.target_dataloader)
    for loader in loaders:
        dataset = loader.dataset
        assert '/data/demo/' in '/' + dataset.data_root
        sizes = dict(GTA5Dataset=(160, 90), CityscapesDataset=(128, 64))
        assert dataset.img_scale == sizes[dataset.type.split('.')[1]]
    short = 4 if 'deeplabv2' in row.name else 16
    epochs = 10 if '10e' in row.name else 50
    assert small.train_cfg.max_iters == (short * 5 if epochs == 50 else short)
    # All else is the row's.
    for key in ('optim_wrapper', 'param_scheduler', 'randomness'):
        assert small[key] == full[key]
    steps = full.train_dataloader.dataset.pipeline
    assert small.train_dataloader.dataset.pipeline == steps
    assert small.val_evaluator == full.val_evaluator
    unweighted = re.compile(r"'(class_weight|init_cfg)': .*?[,}]")
    for head in ('decode_head', 'auxiliary_head'):
        assert unweighted.sub('', repr(small.model.get(head))) == (
            unweighted.sub('', repr(full.model.get(head)))
        )
    if 'class_weight' in repr(full.model):
        assert repr(small.model).count('/demo/') == repr(full.model).count(
            'class_statistics.json'
        )


def test_demos_oracle_has_labels():
    cfg = load_config(
        'configs/cityscapes/bisenet_ce_cityscapes.py',
        demo_options('configs/cityscapes/bisenet_ce_cityscapes.py'),
    )
    prefix = cfg.train_dataloader.dataset.data_prefix
    assert prefix.img_path == 'leftImg8bit/train_labelled'
    assert prefix.seg_map_path == 'gtFine/train_labelled'
    assert cfg.val_dataloader.dataset.data_prefix.img_path.endswith('/val')


# Running


def test_a_failure_is_noted_and_the_others_run(tmp_path, capsys):
    calls = []

    def train(config, work_dir, options, title):
        calls.append((config, work_dir, options))
        if title == NONE.name:
            raise InputError('no data here')
        finish(FLIP, tmp_path, [(80, 12.5)])

    assert run_rows([NONE, FLIP], DEMO, tmp_path, train) == [NONE.name]
    assert calls == [
        (row.config, tmp_path / row.name, demo_options(row.config))
        for row in (NONE, FLIP)
    ]
    failed, done = (collect_row(row, tmp_path, DEMO) for row in (NONE, FLIP))
    assert (failed['state'], failed['error']) == ('failed', 'no data here')
    assert (done['state'], done['mIoU']) == ('done', 12.5)
    printed = capsys.readouterr().out
    assert 'failed: no data here' in printed
    assert 'mIoU 12.50' in printed


def test_what_is_done_is_not_trained_again(tmp_path, monkeypatch):
    commands = []

    def run_tool(words, log, title):
        commands.append(words)
        if len(commands) == 1:
            raise InputError('stopped')
        finish(NONE, tmp_path, [(80, 12.5)])

    monkeypatch.setattr('reproduction.experiments.run_tool', run_tool)
    assert run_rows([NONE], DEMO, tmp_path) == [NONE.name]
    assert run_rows([NONE], DEMO, tmp_path) == []
    seconds = collect_row(NONE, tmp_path, DEMO)['seconds']
    assert run_rows([NONE], DEMO, tmp_path) == []
    assert len(commands) == 2
    assert commands[0] == commands[1]
    assert commands[0][:2] == ['tools/train.py', NONE.config]
    assert commands[0][-1] == '--resume'
    result = collect_row(NONE, tmp_path, DEMO)
    assert (result['state'], result['error']) == ('done', None)
    assert result['seconds'] == seconds


def test_time_adds_up_over_attempts(tmp_path):
    def train(*_):
        raise InputError('again')

    write_json(
        tmp_path / NONE.name / 'status.json',
        dict(seconds=100.0, error='stopped', finished=False),
    )
    run_rows([NONE], DEMO, tmp_path, train)
    assert 100 <= collect_row(NONE, tmp_path, DEMO)['seconds'] < 110


def test_an_interrupted_row_keeps_its_time_and_is_not_failed(tmp_path):
    def train(*_):
        raise KeyboardInterrupt

    work_dir = tmp_path / NONE.name
    write_json(work_dir / 'experiment.json', dict(command=['x']))
    write_json(work_dir / 'status.json', dict(seconds=100.0, error='before'))
    with pytest.raises(KeyboardInterrupt):
        run_rows([NONE], DEMO, tmp_path, train)
    result = collect_row(NONE, tmp_path, DEMO)
    assert (result['state'], result['error']) == ('not finished', None)
    assert result['seconds'] >= 100


def test_missing_data_is_found_before_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('mmseg_da.utils.config.REPO_ROOT', tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    with pytest.raises(InputError, match='looked for images in .*data/gta5'):
        check_data(select_rows('table3'), SUITES['paper'])


# Collecting


def test_the_best_validation_counts(tmp_path):
    finish(NONE, tmp_path, [(20, 5.0), (40, 30.0), (80, 10.0)])
    result = collect_row(NONE, tmp_path, DEMO)
    assert (result['mIoU'], result['iteration']) == (30.0, 40)
    assert result['IoU'] == {'road': 31.0}
    assert result['curves']['mIoU'] == [(20, 5.0), (40, 30.0), (80, 10.0)]


def test_resumed_runs_replace_what_they_repeat(tmp_path):
    finish(NONE, tmp_path, [(4, 8.0)], losses=[(2, 3.0), (4, 2.0)])
    later = tmp_path / NONE.name / '20260102_000000/vis_data/scalars.json'
    later.parent.mkdir(parents=True)
    # A line that was being written when the run was killed.
    later.write_text('{"loss": 1.5, "step": 4}\n{"loss": 1.0, "st')
    curves = collect_row(NONE, tmp_path, DEMO)['curves']
    assert curves['loss'] == [(2, 3.0), (4, 1.5)]


def test_nothing_there_is_not_run(tmp_path):
    assert collect_row(NONE, tmp_path, DEMO)['state'] == 'not run'
    write_json(tmp_path / NONE.name / 'experiment.json', dict(command=[]))
    assert collect_row(NONE, tmp_path, DEMO)['state'] == 'not finished'


def test_numbers_of_another_version_are_left_out(tmp_path, monkeypatch):
    finish(NONE, tmp_path, [(80, 12.5)])
    record = tmp_path / NONE.name / 'experiment.json'
    for print_of_run, state in (
        (experiments.fingerprint(NONE.config, demo_options(NONE.config)), 1),
        ('another', 0),
    ):
        write_json(record, dict(fingerprint=print_of_run, metrics={}))
        result = collect_row(NONE, tmp_path, DEMO)
        assert result['state'] == ('of another version', 'done')[state]
        assert ('mIoU' in result) == bool(state)
        assert bool(result['curves']['mIoU']) == bool(state)


def test_class_weights_are_part_of_a_version(tmp_path):
    path = tmp_path / 'weights.json'
    options = {'model.decode_head.loss_decode.class_weight': str(path)}
    found = set()
    for text in (None, 'a', 'b'):
        if text:
            path.write_text(text)
        found.add(experiments.fingerprint(NONE.config, options))
    assert len(found) == 3


def test_best_checkpoint_before_the_last(tmp_path):
    assert best_checkpoint(tmp_path) is None
    last = tmp_path / 'iter_80.pth'
    last.touch()
    # As written where the folder was before it was moved.
    (tmp_path / 'last_checkpoint').write_text('/elsewhere/iter_80.pth')
    assert best_checkpoint(tmp_path) == last
    best = tmp_path / 'best_mIoU_iter_40.pth'
    best.touch()
    assert best_checkpoint(tmp_path) == best


# The report


class Checker(HTMLParser):
    """Notes tags, attributes and cells, and that all tags are closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.rows, self.words = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ('img', 'meta'):
            self.open.append(tag)
        if tag == 'tr':
            self.rows.append([])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if 'tr' in self.open:
            self.rows[-1].append(data)


@pytest.fixture
def report(tmp_path):
    """One row done, one failed with hostile words, the others not run."""
    runs = tmp_path / 'runs'
    finish(NONE, runs, [(80, 12.34)], seconds=100.0)
    write_json(
        runs / FLIP.name / 'status.json',
        dict(seconds=5.0, error=EVIL, finished=False),
    )
    fastest = select_rows('bisenet_ce')[0]
    benchmark = dict(parameters=12_054_042, macs=25_000_000_000)
    benchmark.update(latency_ms=512.25, q1_ms=500, q3_ms=520, fps=1.95)
    benchmark.update(device='A <CPU>', threads=2, precision='fp32')
    benchmark.update(iterations=5, warmup=1)
    write_json(runs / fastest.name / 'benchmark.json', [benchmark])
    report = build_report(
        DEMO, runs, tmp_path / 'real', ['tools/reproduce.py', EVIL]
    )
    Image.new('RGB', (4, 2), 'red').save(tmp_path / 'table2.png')
    report['figures'] = [
        dict(key='table2', title=EVIL, file='table2.png', error=None),
        dict(key='figure3', title='Figure 3', file=None, error=EVIL),
    ]
    return report


def test_html_is_one_safe_page_with_every_number(report, tmp_path):
    page = Checker(render_html(report, tmp_path))
    kinds = {tag for tag, _ in page.tags}
    assert 'script' not in kinds and 'link' not in kinds
    for _, attributes in page.tags:
        assert not any(name.startswith('on') for name in attributes)
        for name in ('src', 'href'):
            assert re.match(
                'data:image/png;base64,|#', attributes.get(name, '#')
            )
    images = [attrs for tag, attrs in page.tags if tag == 'img']
    assert [image['alt'] for image in images] == [EVIL]
    # Hostile text is there, as text.
    text = ''.join(page.words)
    assert [FLIP.name, EVIL] in page.rows
    assert f'Figure 3: {EVIL}' in text
    cells = {cell for row in page.rows for cell in row}
    for row in ROWS:
        numbers = [*row.paper.get('IoU', {}).values()]
        numbers += [row.paper['mIoU']] if row.paper else []
        assert {f'{number:.2f}' for number in numbers} <= cells
    rows = {row[0]: row[1:] for row in page.rows if len(row) > 5}
    assert rows['none'][:5] == [
        '14.57',
        '12.34',
        'not run',
        '80 × 4',
        '160x90',
    ]
    assert rows['none'][6] == '1.7 min'
    assert rows['flip'][:3] == ['15.08', 'failed', 'not run']
    assert rows['adv focal'][:3] == ['26.17', 'not run', 'not run']
    assert rows['none, demo'][0] == '13.34'
    assert rows['BiSeNet-R18 CE, measured'] == [
        *('12.05 M', '25.00 G', '512.25 ms [500.00, 520.00]', '1.9'),
        'A <CPU>, 2 threads, fp32, 5 times after 1',
    ]
    assert rows['DeepLabV2-R101 CE, measured'] == ['not run'] * 5
    assert '22 rows: 1 done, 1 failed, 20 not run.' in text


def test_every_table_scrolls_in_a_box_of_its_own(report, tmp_path):
    page = Checker(render_html(report, tmp_path))
    for index, (tag, _) in enumerate(page.tags):
        if tag in ('table', 'img'):
            assert page.tags[index - 1][1]['class'] == 'scroll'


def test_markdown_says_the_same(report):
    text = render_markdown(report)
    assert '<script>' not in text
    assert '| none | 14.57 | 12.34 | not run | 80 × 4 | 160x90 | 0 |' in text
    assert '| flip | 15.08 | failed | not run |' in text
    assert '](figures/table2.png)' in text
    for row in ROWS:
        assert f'<code>python tools/train.py {row.config}</code>' in text
    # A bar in a text would end its cell.
    heads = re.findall(r'^\|(?: :?-+:? \|)+$', text, flags=re.M)
    blocks = re.findall(r'(?:^\|.*\|\n)+', text, flags=re.M)
    assert len(heads) == len(blocks) == 13
    for block in blocks:
        bars = {
            len(re.findall(r'(?<!\\)\|', line)) for line in block.splitlines()
        }
        assert len(bars) == 1


def test_real_results_stand_beside_the_demos(tmp_path):
    finish(NONE, tmp_path / 'real', [(7813, 21.5)])
    report = build_report(DEMO, tmp_path / 'runs', tmp_path / 'real', ['x'])
    text = render_markdown(report)
    assert '| none | 14.57 | not run | 21.50 |' in text
    assert '| none, real data | 22.50 |' in text


def test_paper_suite_uses_the_configs_unchanged(tmp_path):
    assert SUITES['paper'].options(NONE.config) == {}
    runs = tmp_path / 'runs'
    report = build_report(SUITES['paper'], runs, runs, ['x'])
    text = render_markdown(report)
    assert '| none | 14.57 | not run | 7,813 × 16 | 1280x720 | 0 |' in text
    assert 'not to be compared' not in text


def test_report_is_json(report):
    assert json.loads(json.dumps(report))['classes'] == CLASSES


def test_elements_escape_all_but_elements():
    made = element('p', 'a<b', [element('b', '&'), 1], class_='"x"')
    assert made == ('<p class="&quot;x&quot;">a&lt;b<b>&amp;</b>1</p>')
    assert isinstance(made, Html)


def test_a_stopped_suite_leaves_no_training_behind(tmp_path, monkeypatch):
    (tmp_path / 'tool.py').write_text(
        'import time\nprint("started", flush=True)\ntime.sleep(60)\n'
    )
    monkeypatch.setattr(experiments, 'REPO_ROOT', tmp_path)
    monkeypatch.setattr(experiments, '_show', lambda *_: sys.exit(143))
    start = time.monotonic()
    with pytest.raises(SystemExit):
        experiments.run_tool(['tool.py'], tmp_path / 'log', 'title')
    # It waits for its process to end, and would for a minute.
    assert time.monotonic() - start < 30
    assert (tmp_path / 'log').read_text() == 'started\n'

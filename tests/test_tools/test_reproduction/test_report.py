"""The report of the rows' results, as Markdown and as HTML."""

import json
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from reproduction.experiments import write_json
from reproduction.render import render_html, render_markdown
from reproduction.report import build_report
from reproduction.suites import CLASSES, ROWS, SUITES, select_rows

DEMO = SUITES['demo']
NONE, FLIP = select_rows('table2')[:2]
EVIL = '<script>alert("1")</script>|`x`'


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
def report(tmp_path, finish):
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
        'A <CPU>, 2 threads, fp32, 5 runs after 1',
    ]
    assert rows['DeepLabV2-R101 CE, measured'] == ['not run'] * 5
    assert '22 rows: 1 done, 1 failed, 20 not run.' in text


WIDE = 'table', 'img'


def test_every_table_scrolls_in_a_box_of_its_own(report, tmp_path):
    page = Checker(render_html(report, tmp_path))
    wide = [i for i, (tag, _) in enumerate(page.tags) if tag in WIDE]
    assert {page.tags[i][0] for i in wide} == set(WIDE)
    for i in wide:
        assert page.tags[i - 1][1]['class'] == 'scroll'


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


def test_real_results_stand_beside_the_demos(tmp_path, finish):
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

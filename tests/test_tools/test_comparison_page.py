"""The page that compares models: its scores, its safety, and a browser."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from analysis.comparison_page import class_ious, page_data, write_page
from mmseg_da.analysis.qualitative import Comparison

BROWSER = shutil.which('chromium') or shutil.which('chromium-browser')
# What a reader does, in the page's own words; the page then says the result.
READER = """
<script>
addEventListener('load', async () => {
  const said = [];
  const settle = () => new Promise(done => setTimeout(done, 300));
  const note = async what => {
    await settle();
    const canvas = document.getElementById('canvas');
    const pixel = x => [...canvas.getContext('2d')
      .getImageData(x, 5, 1, 1).data].slice(0, 3);
    said.push([what, document.body.dataset.drawn, pixel(2), pixel(37)]);
  };
  const press = key => document.body.dispatchEvent(
    new KeyboardEvent('keydown', {key, bubbles: true}));
  const touch = (kind, x) => document.getElementById('stage').dispatchEvent(
    new PointerEvent(kind, {clientX: x, clientY: 90, bubbles: true,
      pointerId: 1, pointerType: 'touch'}));
  document.getElementById('stage').setPointerCapture = () => {};
  const opacity = document.getElementById('opacity');
  opacity.value = 100; opacity.dispatchEvent(new Event('input'));
  await note('start');
  press('1'); await note('input');
  press('4'); await note('second model');
  press(' '); await note('flipped');
  press('ArrowRight'); await note('next image');
  touch('pointerdown', 30); touch('pointerup', 200); await note('swiped back');
  press('4'); press('s'); await note('slid');
  press('s');
  const sort = document.getElementById('sort');
  sort.value = 'differ'; sort.dispatchEvent(new Event('change'));
  await note('sorted');
  const buttons = document.querySelectorAll('#classes button');
  buttons[3].click(); await note('class');
  said.push(['shown', document.querySelectorAll('#strip button').length]);
  said.push(['wide', document.documentElement.scrollWidth, innerWidth]);
  document.body.replaceChildren(JSON.stringify(said));
  document.body.id = 'said';
});
</script></body>"""


@pytest.fixture
def comparison():
    """Two grey images; on the second the models differ everywhere."""
    size = (20, 40)
    image = np.full((*size, 3), 100, np.uint8)
    zeros, ones = np.zeros(size, np.int64), np.ones(size, np.int64)
    label = zeros.copy()
    label[:, 20:] = 1
    label[:2] = 255
    return Comparison(
        names=['a <b>', 'b'],
        images=[image, image],
        labels=[label, None],
        predictions={'one</script>': [zeros, zeros], 'two': [zeros, ones + 1]},
        classes=['road', 'sky', 'car & co'],
        palette=[[255, 0, 0], [0, 255, 0], [0, 0, 255]],
    )


def test_scores(comparison):
    label = comparison.labels[0]
    # Half of the pixels are road, and all are predicted as road.
    assert class_ious(np.zeros_like(label), label, 3) == [50.0, 0.0, None]
    # A prediction of another size is brought to the label's.
    small = np.zeros((10, 20), np.int64)
    small[:, 10:] = 1
    assert class_ious(small, label, 3) == [100.0, 100.0, None]
    assert class_ious(small, None, 3) == [None, None, None]
    first, second = page_data(comparison)['images']
    assert (first['differ'], second['differ']) == (0.0, 100.0)
    assert (first['present'], second['present']) == ([0, 1], [0, 2])
    assert second['maps'][0] is None


def test_the_page_is_one_file_and_names_cannot_break_it(comparison, tmp_path):
    text = write_page(comparison, tmp_path / 'p.html').read_text()
    assert not re.findall(r'(?:src|href)="|https?:|@import|url\(', text)
    assert text.count('</script>') == 2
    assert '<title>one&lt;/script&gt;, two' in text
    data = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1]
    data = json.loads(data)
    assert data['models'] == ['one</script>', 'two']
    assert data['images'][0]['name'] == 'a <b>'


@pytest.mark.skipif(not BROWSER, reason='needs chromium')
def test_a_reader_flips_slides_sorts_and_filters(comparison, tmp_path):
    page = write_page(comparison, tmp_path / 'p.html')
    page.write_text(page.read_text().replace('</body>', READER))
    run = subprocess.run(
        [
            *(BROWSER, '--headless', '--no-sandbox', '--disable-gpu'),
            *('--disable-quic', '--no-first-run', '--disable-sync'),
            *('--disable-background-networking', '--window-size=390,844'),
            *('--disable-component-update', '--virtual-time-budget=20000'),
            f'--user-data-dir={tmp_path / "profile"}',
            *('--dump-dom', page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=180,
    )
    found = re.search('<body[^>]*id="said"[^>]*>(.*?)</body>', run.stdout)
    assert found, run.stdout[-2000:] + run.stderr[-2000:]
    *steps, (_, shown), (_, width, window) = json.loads(
        html.unescape(found[1])
    )
    red, green, blue = comparison.palette
    grey = [100, 100, 100]
    first, second, one = 'a <b>', 'b', 'one</script>'
    assert steps == [
        ['start', f'{first}|{one}|', red, red],
        ['input', f'{first}|Input|', grey, grey],
        ['second model', f'{first}|two|', red, red],
        ['flipped', f'{first}|Input|', grey, grey],
        ['next image', f'{second}|Input|', grey, grey],
        ['swiped back', f'{first}|Input|', grey, grey],
        ['slid', f'{first}|two|Input', grey, red],
        # The models differ most on the second image.
        ['sorted', f'{second}|two|', blue, blue],
        ['class', f'{second}|two|', blue, blue],
    ]
    # Only the second image has a car.
    assert shown == 1
    assert width <= window

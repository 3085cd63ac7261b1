import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg_da.errors import InputError
from street_renderer import DemoSpec, labels, write_demo_data
from street_renderer.preview import write_preview
from street_renderer.write import draw

SPEC = DemoSpec(4, 3, 2, 2, seed=5)
TOOL = Path(__file__).parents[3] / 'tools/dataset_converters/make_demo_data.py'
KNOWN_IDS = {*labels.TRAIN_IDS.values(), *labels.VOID_IDS}


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in folder.rglob('*')
        if path.is_file()
    }


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp('demo') / 'new' / 'demo'
    assert write_demo_data(out, SPEC, workers=1)
    return out


def test_layout(written):
    left, fine = 'cityscapes/leftImg8bit', 'cityscapes/gtFine'
    image, label = 'leftImg8bit.png', 'gtFine_labelIds.png'
    expected = {'demo_data.json'}
    expected |= {f'gta5/images/{i:05d}.png' for i in range(1, 5)}
    expected |= {f'gta5/labels/{i:05d}.png' for i in range(1, 5)}
    for city in ('ahrenfurt', 'birkstadt', 'clausbruck'):
        expected.add(f'{left}/train/{city}/{city}_000000_000019_{image}')
    for split, cities in (
        ('train_labelled', ('eschenau', 'fahrenbach')),
        ('val', ('hohenlind', 'isenburg')),
    ):
        for city in cities:
            stem = f'{split}/{city}/{city}_000000_000019'
            expected |= {f'{left}/{stem}_{image}', f'{fine}/{stem}_{label}'}
    assert set(digests(written)) == expected


def test_formats(written):
    label = Image.open(written / 'gta5/labels/00001.png')
    assert (label.mode, label.size) == ('P', (480, 264))
    palette = np.array(label.getpalette()).reshape(-1, 3)
    assert palette[labels.ROAD].tolist() == [128, 64, 128]
    assert palette[labels.BICYCLE].tolist() == [119, 11, 32]
    image = Image.open(written / 'gta5/images/00001.png')
    assert (image.mode, image.size) == ('RGB', (480, 264))
    (image,) = written.glob('cityscapes/leftImg8bit/val/isenburg/*.png')
    (label,) = written.glob('cityscapes/gtFine/val/isenburg/*.png')
    image, label = Image.open(image), Image.open(label)
    assert (image.mode, image.size) == ('RGB', (512, 256))
    assert (label.mode, label.size) == ('L', (512, 256))


def test_only_known_ids_and_a_bonnet_in_the_target(written):
    for path in written.glob('gta5/labels/*.png'):
        ids = set(np.unique(Image.open(path)).tolist())
        assert ids <= KNOWN_IDS
        assert labels.EGO_VEHICLE not in ids
    fine = list(written.rglob('*labelIds.png'))
    assert len(fine) == 4
    for path in fine:
        label = np.array(Image.open(path))
        assert set(np.unique(label).tolist()) <= KNOWN_IDS
        assert label[-1, 256] == labels.EGO_VEHICLE


def test_same_bytes_from_two_workers(written, tmp_path):
    write_demo_data(tmp_path, SPEC, workers=2)
    assert digests(tmp_path) == digests(written)


def test_another_seed_or_split_gives_another_picture():
    size = (96, 48)
    first, again = (draw(5, 'val', 0, size) for _ in range(2))
    for one, other in zip(first, again):
        np.testing.assert_array_equal(one, other)
    for other in ((6, 'val', 0), (5, 'train', 0), (5, 'val', 1)):
        assert (draw(*other, size)[1] != first[1]).any()


@pytest.mark.parametrize('split', ['source', 'val'])
def test_all_classes_occur_and_are_imbalanced(split):
    pixels, images = np.zeros(256), np.zeros(256)
    for index in range(50):
        image, label = draw(0, split, index, (240, 132))
        found = np.bincount(label.ravel(), minlength=256)
        pixels += found
        images += found > 0
    share = pixels / pixels.sum()
    missing = [n for n, i in labels.TRAIN_IDS.items() if images[i] < 3]
    assert not missing
    assert 0.25 < share[labels.ROAD] < 0.45
    assert share[labels.BUILDING] > share[labels.CAR] > share[labels.PERSON]
    assert share[labels.RIDER] < 0.01
    assert share[labels.MOTORCYCLE] < 0.01
    assert share[labels.LIGHT] < 0.01


def test_sky_is_above_and_road_below():
    for split in ('source', 'val'):
        rows = {labels.SKY: [], labels.ROAD: []}
        for index in range(5):
            label = draw(1, split, index, (96, 48))[1]
            for which, found in rows.items():
                found.extend(np.nonzero(label == which)[0])
        assert np.mean(rows[labels.SKY]) < 20 < 28 < np.mean(rows[labels.ROAD])


def test_second_run_reuses(written):
    before = {p: p.stat().st_mtime_ns for p in written.rglob('*.png')}
    assert not write_demo_data(written, SPEC)
    after = {p: p.stat().st_mtime_ns for p in written.rglob('*.png')}
    assert before == after


def test_interrupted_run_is_continued(written, tmp_path):
    spec = DemoSpec(2, 1, 1, 1, seed=5)
    out = tmp_path / 'demo'
    write_demo_data(out, spec)
    complete = digests(out)
    manifest = (out / 'demo_data.json').read_text()
    (out / 'demo_data.json').rename(out / 'demo_data.started.json')
    (out / 'gta5/images/00002.png').unlink()
    kept = (out / 'gta5/images/00001.png').stat().st_mtime_ns
    assert write_demo_data(out, spec)
    assert digests(out) == complete
    assert (out / 'demo_data.json').read_text() == manifest
    assert (out / 'gta5/images/00001.png').stat().st_mtime_ns == kept


def test_other_parameters_are_refused(written):
    with pytest.raises(InputError, match=r"'seed': 5.*'seed': 6.*--out"):
        write_demo_data(written, DemoSpec(4, 3, 2, 2, seed=6))


def test_broken_manifest_is_refused(tmp_path):
    (tmp_path / 'demo_data.json').write_text('{"seed"')
    with pytest.raises(InputError, match='pass another --out or delete'):
        write_demo_data(tmp_path, SPEC)


def test_negative_count_is_refused(tmp_path):
    with pytest.raises(InputError, match='--num-val'):
        write_demo_data(tmp_path, DemoSpec(num_val=-1))


def test_tool_refuses_a_foreign_folder_in_one_sentence(tmp_path):
    precious = tmp_path / 'precious.txt'
    precious.write_text('mine')
    few = [
        f'--num-{name}=1' for name in ('source', 'target', 'labelled', 'val')
    ]
    run = subprocess.run(
        [sys.executable, str(TOOL), '--out', str(tmp_path), *few],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert run.returncode == 1
    assert run.stderr.count('\n') == 1
    assert f'{tmp_path} already holds something else' in run.stderr
    assert [p.name for p in tmp_path.iterdir()] == ['precious.txt']


def test_manifest_names_the_parameters(written):
    manifest = json.loads((written / 'demo_data.json').read_text())
    assert manifest['num_source'] == 4
    assert manifest['seed'] == 5
    assert manifest['renderer_version'] >= 1


def test_preview(tmp_path):
    write_preview(tmp_path / 'docs' / 'sheet.png', rows=1)
    sheet = Image.open(tmp_path / 'docs' / 'sheet.png')
    assert sheet.size == (4 * 388, 196)

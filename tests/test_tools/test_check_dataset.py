import json
import multiprocessing
import os
import runpy
import shutil
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_data import write_image, write_label

from dataset_check import check as dataset_check
from mmseg_da.errors import InputError

ROOT = Path(__file__).parents[2]
TOOL = runpy.run_path(str(ROOT / 'tools/check_dataset.py'))
CONFIG = """
pipeline = [
    dict(type='mmseg_da.LoadImage'), dict(type='mmseg_da.LoadTrainIds')]
train_dataloader = dict(dataset=dict(
    type='mmseg_da.GTA5Dataset', data_root={root!r} + '/gta5',
    pipeline=pipeline))
val_dataloader = dict(dataset=dict(
    type='mmseg_da.CityscapesDataset', data_root={root!r} + '/cityscapes',
    data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
    pipeline=pipeline))
default_hooks = dict(adversarial=dict(target_dataloader=dict(dataset=dict(
    type='mmseg_da.CityscapesDataset', data_root={root!r} + '/cityscapes',
    data_prefix=dict(
        img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
    pipeline=pipeline))))
"""
TWO_CLASSES = [[7] * 15 + [26]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Clean data: six source, three target and two validation images."""
    (tmp_path / 'config.py').write_text(CONFIG.format(root=str(tmp_path)))
    for i in range(6):
        write_image(tmp_path / f'gta5/images/{i}.png', i)
        write_label(tmp_path / f'gta5/labels/{i}.png', TWO_CLASSES)
    city = tmp_path / 'cityscapes'
    for split, count, seed in (('train', 3, 10), ('val', 2, 20)):
        for i in range(count):
            stem = f'{split}/ulm/ulm_{i}'
            image = city / f'leftImg8bit/{stem}_leftImg8bit.png'
            write_image(image, seed + i)
            label = city / f'gtFine/{stem}_gtFine_labelIds.png'
            write_label(label, TWO_CLASSES)
            if split == 'train':
                label.write_bytes(b'never opened')
    return tmp_path


@pytest.fixture
def check(data: Path):
    def check(*arguments: str, workers: int = 0) -> tuple[int, list[dict]]:
        """Exit status and findings."""
        out = data / 'report.json'
        status = TOOL['main'](
            [f'{data}/config.py', f'--workers={workers}', f'--out={out}']
            + list(arguments)
        )
        return status, json.loads(out.read_text())['findings']

    return check


def test_clean(data: Path, check, capsys) -> None:
    before = sorted(data.rglob('*'))
    assert check() == (0, [])
    printed = capsys.readouterr().out
    assert 'Images: 6 train, 3 target, 2 val' in printed
    assert 'Nothing found' in printed
    assert sorted(data.rglob('*')) == sorted([*before, data / 'report.json'])


def spoil(data: Path) -> dict[tuple, str]:
    """Spoil the data in every way; returns what is to be found."""
    images, labels = data / 'gta5/images', data / 'gta5/labels'
    val = data / 'cityscapes/leftImg8bit/val/ulm'
    target = data / 'cityscapes/leftImg8bit/train/ulm'
    (labels / '0.png').unlink()
    (labels / '1.png').unlink()
    cut = images / '2.png'
    cut.write_bytes(cut.read_bytes()[:200])
    write_label(labels / '2.png', 77)
    write_label(labels / '3.png', TWO_CLASSES, size=(16, 9))
    write_label(labels / '4.png', 0)
    write_label(labels / '5.png', 7)
    shutil.copy(images / '3.png', val / 'ulm_0_leftImg8bit.png')
    shutil.copy(images / '3.png', target / 'ulm_1_leftImg8bit.png')
    (target / 'ulm_2_leftImg8bit.png').write_bytes(b'')
    bad = data / 'cityscapes/gtFine/val/ulm/ulm_1_gtFine_labelIds.png'
    bad.write_bytes(b'GIF89a')
    return {
        ('missing label', 'train', labels / '0.png'): 'has no label',
        ('missing label', 'train', labels / '1.png'): 'has no label',
        ('unusable image', 'train', cut): 'is truncated',
        ('unknown label value', 'train', labels / '2.png'): '77 (128 pixels)',
        ('size mismatch', 'train', labels / '3.png'): 'is 16x9, but',
        ('empty label', 'train', labels / '4.png'): 'void everywhere',
        ('one-class label', 'train', labels / '5.png'): 'class 0 alone',
        ('unclear label', 'train', labels / '4.png'): 'fits both label ids',
        ('unclear label', 'train', labels / '5.png'): 'fits both label ids',
        (
            'unusable image',
            'target',
            target / 'ulm_2_leftImg8bit.png',
        ): r'is empty (0 bytes)',
        ('unusable label', 'val', bad): 'is no PNG',
        (
            'duplicate between splits',
            'target',
            target / 'ulm_1_leftImg8bit.png',
        ): f'has the bytes of {images / "3.png"} of train',
        (
            'duplicate between splits',
            'val',
            val / 'ulm_0_leftImg8bit.png',
        ): f'has the bytes of {images / "3.png"} of train',
    }


@pytest.mark.parametrize('workers', [0, 2])
def test_every_finding(data: Path, check, workers: int, capsys) -> None:
    expected = spoil(data)
    status, findings = check(workers=workers)
    assert status == 1
    found = {
        (f['kind'], f['split'], Path(f['file'])): f['message']
        for f in findings
    }
    assert len(found) == len(findings)
    assert found.keys() == expected.keys()
    for key, text in expected.items():
        assert text in found[key]
    warnings = {f['kind'] for f in findings if f['severity'] == 'warning'}
    assert warnings == {'empty label', 'one-class label', 'unclear label'}
    line = next(
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith('error   missing label')
    )
    assert line.split()[3:5] == ['train', '2']


def test_warnings_alone_are_clean(data: Path, check) -> None:
    write_label(data / 'gta5/labels/4.png', 34)
    write_label(data / 'gta5/labels/5.png', np.full((8, 16), 26))
    status, findings = check()
    assert status == 0
    assert [f['kind'] for f in findings] == ['empty label', 'one-class label']


def test_wrong_layout(data: Path, check) -> None:
    shutil.rmtree(data / 'gta5/labels')
    (data / 'cityscapes/leftImg8bit/val').rename(data / 'elsewhere')
    (data / 'cityscapes/leftImg8bit/val').mkdir()
    status, findings = check()
    assert status == 1
    assert [(f['kind'], f['split']) for f in findings] == [
        ('wrong layout', 'train'),
        ('wrong layout', 'val'),
    ]
    assert 'gta5/labels' in findings[0]['message']
    assert 'which is not a folder' in findings[0]['message']
    assert "found no file '*_leftImg8bit.png'" in findings[1]['message']


def test_only_the_samples_of_the_config(data: Path, check) -> None:
    write_label(data / 'gta5/labels/4.png', 77)
    assert check()[0] == 1
    option = 'train_dataloader.dataset.max_samples=2'  # 0 and 3
    assert check('--cfg-options', option) == (0, [])


def test_wrappers_and_stock_data_sets(data: Path, check) -> None:
    """mmseg's own classes, joined and repeated, are checked too."""
    (data / 'config.py').write_text(f"""
train_dataloader = dict(dataset=dict(type='RepeatDataset', times=2,
    dataset=dict(type='ConcatDataset', datasets=[dict(
        type='BaseSegDataset', data_root='{data}/gta5', img_suffix='.png',
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        pipeline=[dict(type='LoadImageFromFile'),
                  dict(type='LoadAnnotations')])])))
""")
    assert check() == (0, [])
    (data / 'gta5/labels/1.png').unlink()
    (data / 'gta5/labels/2.png').write_bytes(b'GIF89a')
    (data / 'gta5/images/3.png').write_bytes(b'GIF89a')
    kinds = [f['kind'] for f in check()[1]]
    assert kinds == ['missing label', 'unusable label', 'unusable image']
    shutil.rmtree(data / 'gta5/images')
    (data / 'gta5/images').mkdir()
    assert [f['kind'] for f in check()[1]] == ['wrong layout']


def test_no_data_set(data: Path, check) -> None:
    (data / 'config.py').write_text('a = 1')
    with pytest.raises(InputError, match=r'config\.py has no data set'):
        check()


def test_label_of_two_encodings(data: Path, check) -> None:
    write_label(data / 'gta5/labels/3.png', [[7] * 8 + [8] * 8])
    status, (finding,) = check()
    assert (status, finding['kind']) == (0, 'unclear label')
    assert finding['file'] == str(data / 'gta5/labels/3.png')
    for encoding in ('label_ids', 'train_ids'):
        option = f'{SOURCE}.label_encoding={encoding}'
        kinds = {f['kind'] for f in check('--cfg-options', option)[1]}
        assert kinds <= {'unknown label value'}


def test_other_images_to_test_on(data: Path, check, capsys) -> None:
    text = (data / 'config.py').read_text()
    (data / 'config.py').write_text(text + 'test_dataloader = val_dataloader')
    check()
    assert ', 2 val\n' in capsys.readouterr().out
    (data / 'config.py').write_text(
        f'{text}test_dataloader = dict(dataset=dict('
        "type='mmseg_da.FolderDataset', "
        f'data_root={str(data / "photos")!r}))'
    )
    write_image(data / 'photos/a.JPG', 77)
    shutil.copy(data / 'gta5/images/3.png', data / 'photos/b.png')
    status, (finding,) = check()
    assert ', 2 val, 2 test\n' in capsys.readouterr().out
    assert (finding['kind'], finding['split']) == (
        'duplicate between splits',
        'test',
    )


def test_a_video_as_target(data: Path, check, capsys) -> None:
    path = data / 'drive.avi'
    code = cv2.VideoWriter_fourcc(*'MJPG')
    writer = cv2.VideoWriter(str(path), code, 10, (64, 32))
    for value in range(5):
        writer.write(np.full((32, 64, 3), 50 * value, np.uint8))
    writer.release()
    (data / 'config.py').write_text(
        (data / 'config.py').read_text()
        + 'default_hooks["adversarial"]["target_dataloader"] = dict('
        f"dataset=dict(type='mmseg_da.FolderDataset', data_prefix=dict("
        f"img_path='{path}'), pipeline=pipeline))"
    )
    assert check() == (0, [])
    assert '5 target' in capsys.readouterr().out
    # Where no frame is labelled, it is the test set too.
    with open(data / 'config.py', 'a') as file:
        file.write(
            '\ntest_dataloader = dict(dataset=default_hooks["adversarial"]'
            '["target_dataloader"]["dataset"] | dict(pipeline=[]))'
        )
    assert check() == (0, [])
    assert '5 test' in capsys.readouterr().out
    path.write_bytes(b'no video')
    status, (finding, _) = check()
    assert (status, finding['kind']) == (1, 'wrong layout')
    assert 'drive.avi cannot be decoded' in finding['message']


def test_fewer_images_than_asked_for(check) -> None:
    status, (finding,) = check('--cfg-options', f'{SOURCE}.max_samples=2500')
    assert (status, finding['kind']) == (0, 'fewer images')
    assert (
        'max_samples is 2,500, but there are 6 images.' in finding['message']
    )


def test_jpeg_damaged_inside(data: Path, check, capfd) -> None:
    """As far as the decoder tells."""
    folder = data / 'gta5/images'
    for path in folder.iterdir():
        write_image(path.with_suffix('.jpg'), int(path.stem), (160, 80))
        write_label(data / f'gta5/labels/{path.name}', 26, size=(160, 80))
    path = folder / '3.jpg'
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)
    options = ['--cfg-options', f'{SOURCE}.img_suffix=.jpg']
    status, findings = check(*options)
    (finding,) = [f for f in findings if f['severity'] == 'error']
    assert (status, finding['kind']) == (1, 'damaged image')
    assert finding['file'] == str(path)
    assert 'Corrupt JPEG data' in finding['message']
    assert 'JPEG' not in capfd.readouterr().err


def test_labels_loaded_before_the_resize_of_val(data: Path, check) -> None:
    key = 'val_dataloader.dataset.pipeline'
    steps = ['LoadImage', 'LoadTrainIds', 'ResizeToScale']
    text = (data / 'config.py').read_text()
    for names, is_wrong in (
        (steps, True),
        ([steps[0], steps[2], steps[1]], False),
        ([*steps, 'EvaluateAtInputSize'], False),
    ):
        pipeline = [dict(type=f'mmseg_da.{name}') for name in names]
        (data / 'config.py').write_text(
            f'{text}\nval_dataloader["dataset"].update('
            f'pipeline={pipeline}, img_scale=(8, 8))\n'
        )
        if not is_wrong:
            assert check()[0] == 0
            continue
        with pytest.raises(InputError) as error:
            check()
        assert f'{key} has LoadTrainIds before ResizeToScale' in str(error)


SOURCE = 'train_dataloader.dataset'
TARGET = 'default_hooks.adversarial.target_dataloader'
BAD = {
    # Found before anything is built.
    'default_hooks=3': 'key default_hooks is 3 (int), but it must be a dict',
    'default_hooks.adversarial=3': 'default_hooks.adversarial is 3 (int), but',
    'default_scope=3': 'default_scope is 3 (int), but it must be a name like',
    'train_dataloader=x': "key train_dataloader is 'x' (str), but it must be",
    f'{SOURCE}=None': 'key train_dataloader.dataset is None (NoneType), but i',
    f'{TARGET}=x': f"key {TARGET} is 'x' (str), but it must be a dict",
    f'{TARGET}.dataset=None': f'key {TARGET}.dataset is None (NoneType), but',
    f'{SOURCE}.type=mmseg_da.GTA6': (
        "train_dataloader.dataset.type is 'mmseg_da.GTA6', which is not "
        'registered: did you mean mmseg_da.GTA5Dataset'
    ),
    f'{SOURCE}.type=3': 'key train_dataloader.dataset.type is 3 (int), but it',
    f'{SOURCE}.pipeline.0.type=Nope': (
        "key train_dataloader.dataset.pipeline.0.type is 'Nope', which is not"
    ),
    f'{SOURCE}.pipeline=3': 'train_dataloader.dataset.pipeline is 3 (int), bu',
    f'{SOURCE}.data_prefix=3': 'dataset.data_prefix is 3 (int), but it must b',
    f'{SOURCE}.datasets=[3]': 'dataset.datasets is [3] (list), but it must be',
    # Found while building.
    f'{SOURCE}.shuffled=1': (
        'key train_dataloader.dataset (type mmseg_da.GTA5Dataset) cannot be '
        'built: BaseSegDataset.__init__() got an unexpected keyword argument '
        "'shuffled'; check its arguments."
    ),
    # Not the validation's data set, which is much the same.
    f'{TARGET}.dataset.shuffled=1': f'{TARGET}.dataset (type mmseg_da.Citysca',
    f'{TARGET}.dataset.data_prefix=None': f'{TARGET}.dataset (type mmseg_da.C',
    'val_dataloader.dataset.shuffled=1': 'key val_dataloader.dataset (type mm',
    f'{SOURCE}.dataset=3': "unexpected keyword argument 'dataset'; check its",
    f'{SOURCE}.pipeline.0.colour=3': (
        'key train_dataloader.dataset.pipeline.0 (type mmseg_da.LoadImage) '
        'cannot be built: '
    ),
    # About the config, not about the layout of files.
    f'{SOURCE}.max_samples=0': 'max_samples is 0, but it must be at least 1',
    f'{SOURCE}.ids=3': 'ids is 3, but it must be a list of frames',
}


@pytest.mark.parametrize('option', BAD)
def test_bad_config(data: Path, check, option: str) -> None:
    with pytest.raises(InputError) as error:
        check('--cfg-options', option)
    said = str(error.value)
    assert BAD[option] in said and said.endswith('.'), said
    assert '\n' not in said
    assert not (data / 'report.json').exists()


@pytest.mark.parametrize(
    'option',
    [
        'default_hooks=None',
        'default_hooks.adversarial=None',
        # What the files do not hang on.
        'model=None',
        'load_from=nothing.pth',
        'train_cfg=x',
        f'{TARGET}.dataset.data_prefix.seg_map_path=None',
        f'{SOURCE}.max_samples=None',
    ],
)
def test_config_of_data_alone(check, option: str) -> None:
    assert check('--cfg-options', option) == (0, [])


def test_a_stock_class_that_misses_its_folder(data: Path, check) -> None:
    """It looks in its constructor: the files are at fault."""
    (data / 'config.py').write_text(
        "train_dataloader = dict(dataset=dict(type='DRIVEDataset', "
        "data_root='nowhere', data_prefix=dict(img_path='a')))"
    )
    status, findings = check()
    assert status == 1
    assert [(f['kind'], f['file']) for f in findings] == [
        ('wrong layout', 'nowhere')
    ]


def _interrupt(sample) -> tuple:
    if sample.info['img_path'].endswith('0.png'):
        os.kill(os.getppid(), signal.SIGINT)
    time.sleep(0.2)
    return None, []


def test_interrupt(data: Path, check, monkeypatch, capsys) -> None:
    """Ctrl-C ends the workers, and nothing is written."""
    monkeypatch.setattr(dataset_check, 'check_sample', _interrupt)
    arguments = [f'{data}/config.py', '--workers=2', f'--out={data}/a.json']
    # Test runners that spread tests over processes ignore Ctrl-C in them.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert TOOL['main'](arguments) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert 'Interrupted: nothing was written' in capsys.readouterr().err
    assert not (data / 'a.json').exists()
    assert not multiprocessing.active_children()

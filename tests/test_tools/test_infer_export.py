"""tools/infer.py and tools/export.py, as a user runs them."""

import runpy
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image
from tiny_data import write_image
from toy import CONFIGS, bisenet_cfg

from mmseg_da.apis import init_predictor
from mmseg_da.deploy import Predictor
from mmseg_da.errors import InputError
from mmseg_da.registry import MODELS

TOOLS = Path(__file__).parents[2] / 'tools'
infer = runpy.run_path(str(TOOLS / 'infer.py'))['main']
export = runpy.run_path(str(TOOLS / 'export.py'))['main']


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    init_default_scope('mmseg')
    folder = tmp_path_factory.mktemp('trained')
    cfg = Config.fromfile(CONFIGS / 'da/bisenet_adv_gta2cs.py')
    cfg.model = bisenet_cfg(8)
    cfg.test_dataloader.dataset.img_scale = (96, 64)
    cfg.dump(folder / 'config.py')
    torch.manual_seed(0)
    state = MODELS.build(cfg.model).state_dict()
    torch.save({'state_dict': state}, folder / 'weights.pth')
    return str(folder / 'config.py'), str(folder / 'weights.pth')


@pytest.fixture
def folder(tmp_path):
    for index, name in enumerate(('a.png', 'b/c.jpg')):
        write_image(tmp_path / 'in' / name, index, (48, 32))
    return tmp_path / 'in'


def test_folder_to_overlays_and_train_ids(trained, folder, tmp_path, capsys):
    out = tmp_path / 'out'
    found = infer(
        [*trained, str(folder), '--out', str(out), '--device', 'cpu']
    )
    assert found['images'] == 2
    assert 0 < found['end_to_end_fps'] < found['predictor_fps']
    assert found['predictor_fps'] < found['network_fps']
    assert f'2 images, written to {out}' in capsys.readouterr().out
    files = [p for p in out.rglob('*') if p.is_file()]
    assert sorted(str(p.relative_to(out)) for p in files) == [
        'overlay/a.png',
        'overlay/b/c.png',
        'train_ids/a.png',
        'train_ids/b/c.png',
    ]
    image = cv2.imread(str(folder / 'a.png'))
    predictor = init_predictor(*trained, device='cpu')
    expected = predictor(image)
    ids = Image.open(out / 'train_ids/a.png')
    assert ids.mode == 'P'
    assert np.array_equal(np.asarray(ids), expected)
    palette = np.array(predictor.model.dataset_meta['palette'])
    painted = palette[expected][..., ::-1]
    assert np.array_equal(np.asarray(ids.convert('RGB')), painted[..., ::-1])
    overlay = cv2.imread(str(out / 'overlay/a.png')).astype(float)
    assert np.abs(overlay - (painted + image.astype(float)) / 2).max() <= 1


@pytest.fixture
def clip(tmp_path):
    """A video that gets brighter."""
    fourcc = cv2.VideoWriter_fourcc(*'MJPG')
    path = str(tmp_path / 'clip.avi')
    video = cv2.VideoWriter(path, fourcc, 5, (64, 32))
    for value in range(0, 240, 20):
        video.write(np.full((32, 64, 3), value, np.uint8))
    video.release()
    return path


def test_video_to_video(trained, clip, tmp_path):
    out = tmp_path / 'out'
    arguments = ['--out', str(out), '--write', 'overlay', '--device', 'cpu']
    options = ['--opacity', '0']
    assert infer([*trained, clip, *arguments, *options])['images'] == 12
    assert [path.name for path in out.iterdir()] == ['clip_overlay.mp4']
    written = cv2.VideoCapture(str(out / 'clip_overlay.mp4'))
    assert written.get(cv2.CAP_PROP_FRAME_COUNT) == 12
    values = [written.read()[1].mean() for _ in range(12)]
    assert np.abs(np.array(values) - np.arange(0, 240, 20)).max() < 8


def files_of(out):
    return sorted(
        str(p.relative_to(out)) for p in out.rglob('*') if p.is_file()
    )


def test_damaged_image_is_named_and_those_before_it_are_whole(
    trained, folder, tmp_path
):
    (folder / 'b/d.png').write_bytes((folder / 'a.png').read_bytes()[:50])
    out = tmp_path / 'out'
    arguments = ['--out', str(out), '--write', 'ids', '--device', 'cpu']
    with pytest.raises(InputError, match=r'b/d\.png is truncated'):
        infer([*trained, str(folder), *arguments])
    # What waits to be written at an error is left out.
    assert set(files_of(out)) <= {'train_ids/a.png', 'train_ids/b/c.png'}
    for name in files_of(out):
        Image.open(out / name).load()


def test_full_disk_is_named_and_leaves_nothing_half_written(
    trained, folder, tmp_path, monkeypatch
):
    save = Image.Image.save

    def fail(self, path, **kwargs):
        if '.c.png' in str(path):
            path.write_bytes(b'half')
            raise OSError(28, 'No space left on device')
        save(self, path, **kwargs)

    monkeypatch.setattr(Image.Image, 'save', fail)
    out = tmp_path / 'out'
    arguments = ['--out', str(out), '--device', 'cpu']
    message = r'out cannot be written to \(.*No space left on device\): make'
    with pytest.raises(InputError, match=message):
        infer([*trained, str(folder), *arguments])
    assert files_of(out) == ['overlay/a.png', 'train_ids/a.png']


@pytest.mark.parametrize('error', [KeyboardInterrupt, InputError('damaged')])
def test_stopped_video_leaves_none(
    trained, clip, tmp_path, monkeypatch, error
):
    predict, calls = Predictor.__call__, []

    def stop(self, image):
        calls.append(1)
        if len(calls) == 9:
            raise error
        return predict(self, image)

    monkeypatch.setattr(Predictor, '__call__', stop)
    out = tmp_path / 'out'
    arguments = ['--out', str(out), '--write', 'overlay', '--device', 'cpu']
    threads = threading.active_count()
    with pytest.raises((KeyboardInterrupt, InputError)):
        infer([*trained, clip, *arguments])
    assert len(calls) == 9
    # The progress bar's thread ends at its next refresh.
    deadline = time.monotonic() + 5
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() == threads
    assert files_of(out) == []


def test_export_then_infer(trained, folder, tmp_path, capsys):
    path = str(tmp_path / 'network.onnx')
    arguments = ['--shape', '64', '96', '--precision', 'int8']
    found = export(
        [*trained, '--out', path, '--calibration', str(folder), *arguments]
    )
    assert found['agreement'] > 0.8
    printed = capsys.readouterr().out
    assert f'Wrote {path}' in printed and '2 images' in printed
    out = str(tmp_path / 'out')
    assert infer([trained[0], path, str(folder), '--out', out])['images'] == 2


def test_classes_are_painted_in_the_colours_of_the_test_data_set(
    trained, folder, tmp_path
):
    cfg = Config.fromfile(trained[0])
    colours = [[n, 0, 255 - n] for n in range(19)]
    names = [f'class {n}' for n in range(19)]
    metainfo = dict(classes=names, palette=colours)
    data = dict(type='BaseSegDataset', data_root=str(folder))
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    data.update(metainfo=metainfo, pipeline=pipeline)
    cfg.test_dataloader.dataset = data
    cfg.dump(tmp_path / 'plain.py')
    out = tmp_path / 'out'
    arguments = [str(folder), '--out', str(out), '--device', 'cpu']
    infer([str(tmp_path / 'plain.py'), trained[1], *arguments])
    painted = Image.open(out / 'train_ids/a.png')
    ids = np.asarray(painted)
    assert np.array_equal(np.asarray(painted.convert('RGB'))[..., 0], ids)
    path = str(tmp_path / 'a.onnx')
    shape = ['--shape', '64', '96']
    export([str(tmp_path / 'plain.py'), trained[1], '--out', path, *shape])


def test_wrong_arguments_are_named(trained, folder, tmp_path):
    out = ['--out', str(tmp_path / 'out')]
    for arguments, message in (
        (['--opacity', '2'], '--opacity is 2'),
        (['--precision', 'int3'], "precision is 'int3'"),
        (['--device', 'nonesuch'], '--device nonesuch'),
    ):
        with pytest.raises(InputError, match=message):
            infer([*trained, str(folder), *out, *arguments])
    for inside in (folder, folder / 'b/painted'):
        with pytest.raises(InputError, match='is inside the input folder'):
            infer([*trained, str(folder), '--out', str(inside)])
    with pytest.raises(InputError, match='--shape|shape is 8 8'):
        export([*trained, '--out', 'a.onnx', '--shape', '8', '8'])

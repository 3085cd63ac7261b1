"""What inference reads."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image
from tiny_data import write_image

from inference.images import (
    Frames,
    list_images,
    read_image,
    training_samples,
    write_train_ids,
)
from mmseg_da.errors import InputError


def test_folder_is_read_in_order(tmp_path):
    for index, name in enumerate(('b.png', 'a/c.png', 'a/b.jpg', 'a/b.png')):
        write_image(tmp_path / name, index)
    (tmp_path / 'notes.txt').write_text('no image')
    frames = Frames(tmp_path)
    names = [name for name, _ in frames]
    # Only names that would collide keep their suffix.
    assert names == ['a/b.jpg', 'a/b.png', 'a/c', 'b']
    assert len(frames) == 4 and frames.fps is None
    assert np.array_equal(
        list(frames)[3][1], cv2.imread(str(tmp_path / 'b.png'))
    )


def test_names_do_not_collide_and_many_are_named_at_once(
    tmp_path, monkeypatch
):
    for name in ('a.png', 'a.jpg', 'a.png.png', 'b.png'):
        write_image(tmp_path / name)
    names = [name for name, _ in Frames(tmp_path)]
    assert names == ['a.jpg', 'a.png', 'a.png.png', 'b']
    # Comparing each name with all others would take minutes here.
    frames = Frames(tmp_path)
    frames.files = [tmp_path / f'{i}/b.png' for i in range(20_000)]
    monkeypatch.setattr('inference.images.read_image', str)
    start = time.process_time()
    assert [name for name, _ in frames][-1] == '19999/b'
    assert time.process_time() - start < 5


def test_hidden_files_are_left_out_and_links_followed(tmp_path):
    write_image(tmp_path / 'elsewhere/c.png')
    write_image(tmp_path / 'in/a.png')
    (tmp_path / 'in/._a.png').write_bytes(b'resource fork')
    (tmp_path / 'in/.cache').mkdir()
    (tmp_path / 'in/.cache/d.png').write_bytes(b'thumbnail')
    (tmp_path / 'in/link').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'in/loop').symlink_to(tmp_path / 'in')
    assert [name for name, _ in Frames(tmp_path / 'in')] == ['a', 'link/c']


def test_single_image(tmp_path):
    write_image(tmp_path / 'a.png')
    ((name, image),) = Frames(tmp_path / 'a.png')
    assert name == 'a' and image.shape == (8, 16, 3)


def test_video(tmp_path):
    path = str(tmp_path / 'clip.avi')
    fourcc = cv2.VideoWriter_fourcc(*'MJPG')
    video = cv2.VideoWriter(path, fourcc, 5, (64, 32))
    for value in (0, 100, 200):
        video.write(np.full((32, 64, 3), value, np.uint8))
    video.release()
    frames = Frames(path)
    assert len(frames) == 3 and frames.fps == 5
    found = list(frames)
    assert [name for name, _ in found] == [f'clip_{i:06d}' for i in range(3)]
    assert abs(found[1][1].mean() - 100) < 3


def test_unusable_inputs_are_named(tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'bad.png').write_bytes(b'no image')
    (tmp_path / 'none.png').write_bytes(b'')
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    with pytest.raises(InputError, match='nonesuch does not exist'):
        Frames(tmp_path / 'nonesuch')
    with pytest.raises(InputError, match='empty holds no image'):
        list_images(tmp_path / 'empty')
    ok, data = cv2.imencode('.jpg', np.zeros((32, 32, 3), np.uint8))
    assert ok
    (tmp_path / 'half.jpg').write_bytes(data[:-20].tobytes())
    for name, fault in (
        ('bad.png', 'cannot be decoded'),
        ('none.png', 'is empty'),
        ('half.jpg', 'is truncated'),
        ('nonesuch.png', 'cannot be read'),
    ):
        with pytest.raises(InputError, match=f'{name} {fault}'):
            read_image(tmp_path / name)
    with pytest.raises(InputError, match='bad.mp4 is no video'):
        Frames(tmp_path / 'bad.mp4')


def test_the_void_has_the_colour_of_no_class(tmp_path):
    ids = np.array([[0, 1, 255]], np.uint8)
    for palette in ([[0, 0, 0], [9, 9, 9]], [[255] * 3, [0, 0, 0]]):
        write_train_ids(tmp_path / 'a.png', ids, palette)
        painted = Image.open(tmp_path / 'a.png')
        assert np.array_equal(np.asarray(painted), ids)
        *classes, void = np.asarray(painted.convert('RGB'))[0].tolist()
        assert classes == palette and void not in palette


def test_calibration_takes_the_target_that_is_trained_on(tmp_path):
    for index in range(6):
        for split in ('train', 'val'):
            write_image(
                tmp_path / split / 'a' / f'a_{index}_leftImg8bit.png', index
            )

    def loader(split):
        dataset = dict(
            type='mmseg_da.CityscapesDataset',
            data_root=str(tmp_path),
            data_prefix=dict(img_path=split),
        )
        return dict(dataset=dataset)

    cfg = Config(
        dict(
            train_dataloader=loader('val'),
            default_hooks=dict(
                logger=dict(type='LoggerHook'),
                adversarial=dict(target_dataloader=loader('train')),
            ),
        )
    )
    found = [Path(one['img_path']) for one in training_samples(cfg, 3)]
    assert [path.name[:3] for path in found] == ['a_0', 'a_2', 'a_4']
    assert {path.parts[-3] for path in found} == {'train'}
    del cfg.default_hooks['adversarial']
    found = [Path(one['img_path']) for one in training_samples(cfg, 9)]
    assert {path.parts[-3] for path in found} == {'val'}
    with pytest.raises(InputError, match='--calibration'):
        training_samples(Config(dict(default_hooks=dict())), 3)

"""Images of any folder, with any labels or none."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image
from tiny_data import HEIGHT, PIPELINE, WIDTH, write_image, write_label

from analysis.class_counts import count_classes
from dataset_converters.resize_dataset import write_resized
from mmseg_da.datasets import FolderDataset
from mmseg_da.datasets.listing import find_images
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS

CLASSES = ('floor', 'box', 'arm')
META = {'classes': CLASSES, 'palette': [[9, 0, 0], [0, 9, 0], [0, 0, 9]]}
UNLABELLED = [PIPELINE[0], PIPELINE[2]]
CONFIGS = Path(__file__).parents[2] / 'configs/_base_'
CARLA2CAMVID = Path(__file__).parents[3] / 'shared/data/carla2camvid'


def names(dataset: FolderDataset) -> list[str]:
    root = Path(dataset.data_root)
    return [
        Path(dataset.get_data_info(i)['img_path']).relative_to(root).as_posix()
        for i in range(len(dataset))
    ]


def classes_in(dataset: FolderDataset, index: int = 0) -> list[int]:
    label = dataset[index]['data_samples'].gt_sem_seg.data
    return label.unique().tolist()


# Finding images.


def test_images_of_every_kind_nested_or_flat(tmp_path: Path) -> None:
    files = ['a.png', 'b.JPG', 'c.jpeg', 'x/d.bmp', 'x/f.webp', 'x/y/e.TIF']
    for index, name in enumerate(files):
        write_image(tmp_path / name, index)
    (tmp_path / 'notes.txt').write_text('no image')
    (tmp_path / 'x/._a.png').write_bytes(b'hidden')
    dataset = FolderDataset(data_root=str(tmp_path), pipeline=UNLABELLED)
    assert names(dataset) == files
    for index in range(len(files)):
        assert dataset[index]['inputs'].shape == (3, HEIGHT, WIDTH)
    chosen = FolderDataset(data_root=str(tmp_path), img_suffix='.JPG')
    assert names(chosen) == ['b.JPG']


@pytest.mark.parametrize(
    ('pattern', 'found'),
    [
        ('*/cam/*.png', ['s1/cam/0.png', 's2/cam/0.png', 's2/cam/1.png']),
        ('*/cam', ['s1/cam/0.png', 's2/cam/0.png', 's2/cam/1.png']),
        ('s2/**/*.png', ['s2/cam/0.png', 's2/cam/1.png', 's2/x/y/2.png']),
        ('**/[01].png', ['s1/cam/0.png', 's2/cam/0.png', 's2/cam/1.png']),
        ('s?/cam/[12].*', ['s2/cam/1.png']),
        ('s1/cam/*', ['s1/cam/0.png']),
    ],
)
def test_pattern(tmp_path: Path, pattern: str, found: list) -> None:
    for name in ('s1/cam/0', 's2/cam/0', 's2/cam/1', 's2/x/y/2'):
        write_image(tmp_path / f'{name}.png')
    dataset = FolderDataset(
        data_root=str(tmp_path), data_prefix={'img_path': pattern}
    )
    assert names(dataset) == found


def test_list_with_or_without_suffixes(tmp_path: Path) -> None:
    for name in ('a.png', 'x/b.JPG', 'c.png'):
        write_image(tmp_path / name)
    (tmp_path / 'list.txt').write_text('x/b.JPG\na\n')
    dataset = FolderDataset(data_root=str(tmp_path), ann_file='list.txt')
    assert names(dataset) == ['a.png', 'x/b.JPG']


def test_two_images_of_one_name(tmp_path: Path) -> None:
    write_image(tmp_path / 'a.png')
    write_image(tmp_path / 'a.JPG')
    with pytest.raises(InputError, match=r"both have the name 'a': choose"):
        FolderDataset(data_root=str(tmp_path))
    assert len(FolderDataset(data_root=str(tmp_path), img_suffix='.png')) == 1


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / 'a.txt').touch()
    with pytest.raises(
        InputError, match=r'no file .*\.jpeg\|.* in .*img_path'
    ):
        FolderDataset(data_root=str(tmp_path))
    with pytest.raises(InputError, match='nothing.*is not a folder: set the'):
        FolderDataset(data_prefix={'img_path': str(tmp_path / 'nothing/*')})


# A video.


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Twelve frames of growing brightness."""
    path = tmp_path / 'drive.AVI'
    code = cv2.VideoWriter_fourcc(*'MJPG')
    writer = cv2.VideoWriter(str(path), code, 10, (64, 32))
    for value in range(0, 240, 20):
        writer.write(np.full((32, 64, 3), value, np.uint8))
    writer.release()
    return path


def test_frames_of_a_video(video: Path) -> None:
    dataset = FolderDataset(
        data_prefix={'img_path': str(video)},
        max_samples=6,
        img_scale=(32, 16),
        pipeline=[PIPELINE[0], {'type': 'mmseg_da.ResizeToScale'}]
        + [PIPELINE[2]],
    )
    assert len(dataset) == 6
    for index in (5, 0, 3, 4, 1, 2):  # in any order
        frame = dataset[index]['inputs'].float()
        assert frame.shape == (3, 16, 32)
        assert frame.mean() == pytest.approx(40 * index, abs=3)


def test_video_that_cannot_be_decoded(video: Path) -> None:
    prefix = {'img_path': str(video)}
    cut = video.read_bytes()
    for content in (b'', b'no video' * 99, cut[:300]):
        video.write_bytes(content)
        with pytest.raises(InputError, match=r'drive\.AVI cannot be decoded'):
            FolderDataset(data_prefix=prefix)


def test_video_has_no_labels(video: Path) -> None:
    prefix = {'img_path': str(video), 'seg_map_path': str(video.parent)}
    with pytest.raises(InputError, match='a video has no labels: set it to'):
        FolderDataset(data_prefix=prefix, lazy_init=True)
    with pytest.raises(InputError, match='a video and ann_file, which choo'):
        FolderDataset(
            data_prefix={'img_path': str(video)},
            ann_file='names.txt',
            lazy_init=True,
        )
    with pytest.raises(InputError, match='use mmseg_da.LoadImage'):
        FolderDataset(
            data_prefix={'img_path': str(video)},
            pipeline=[{'type': 'LoadImageFromFile'}],
            lazy_init=True,
        )


# Labels.


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Two images with ids 3 (floor), 40 (arm) and 0 (void), 8 bits."""
    for name in ('a', 'x/b'):
        write_image(tmp_path / f'rgb/{name}.jpg')
        ids = np.full((HEIGHT, WIDTH), 3)
        ids[:2], ids[2:4] = 40, 0
        write_label(tmp_path / f'tags/{name}.png', ids)
    return tmp_path


def cfg_of(root: Path, **kwargs) -> dict:
    return {
        'type': 'mmseg_da.FolderDataset',
        'data_root': str(root),
        'data_prefix': {'img_path': 'rgb', 'seg_map_path': 'tags'},
        'metainfo': META,
        'label_encoding': {'ids': {3: 'floor', 40: 'arm', 0: 255}},
        'pipeline': PIPELINE,
        'serialize_data': False,  # which takes most of a test's time
        **kwargs,
    }


def build(root: Path, **kwargs) -> FolderDataset:
    return DATASETS.build(cfg_of(root, **kwargs))


def test_ids_of_any_classes(lab: Path) -> None:
    dataset = build(lab)
    assert dataset.metainfo['classes'] == CLASSES
    assert classes_in(dataset) == classes_in(dataset, 1) == [0, 2, 255]
    counts = count_classes(dataset)
    assert counts.pixels.tolist() == [2 * 4 * WIDTH, 0, 2 * 2 * WIDTH]


def test_encoding_of_a_json_file(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {'ids': {'3': 'floor', '40': 2, '0': 255}}
    (lab / 'tags.json').write_text(json.dumps(content))
    monkeypatch.setenv('HOME', str(lab))
    for path in (str(lab / 'tags.json'), '~/tags.json', '$HOME/tags.json'):
        assert classes_in(build(lab, label_encoding=path)) == [0, 2, 255]


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize(
    ('channel', 'planes'),
    [('red', 3), ('green', 3), ('blue', 4), ('alpha', 4), ('red', 4)],
)
def test_ids_in_a_channel(
    lab: Path, bits: int, channel: str, planes: int
) -> None:
    """As OpenCV writes them: blue, green, red, alpha."""
    ids = {8: [3, 40, 0], 16: [3, 40000, 0]}[bits]
    label = np.full((HEIGHT, WIDTH, planes), 77, np.uint16)
    place = ('blue', 'green', 'red', 'alpha').index(channel)
    label[..., place] = np.resize(ids, (HEIGHT, WIDTH))
    label = label.astype(np.uint8) if bits == 8 else label
    for name in ('a', 'x/b'):
        cv2.imwrite(str(lab / f'tags/{name}.png'), label)
    mapping = {ids[0]: 'floor', ids[1]: 'arm', 0: 255}
    encoding = {'ids': mapping, 'channel': channel}
    assert classes_in(build(lab, label_encoding=encoding)) == [0, 2, 255]
    # Without the channel the file's colours mean nothing.
    with pytest.raises(InputError, match="holds colours, but .*channel='red'"):
        build(lab, label_encoding={'ids': mapping})[0]


def test_grey_file_of_16_bits(lab: Path) -> None:
    label = np.full((HEIGHT, WIDTH), 40000, np.uint16)
    cv2.imwrite(str(lab / 'tags/a.png'), label)
    encoding = {'ids': {40000: 'box', 3: 'arm', 40: 0, 0: 255}}
    assert classes_in(build(lab, label_encoding=encoding)) == [1]


@pytest.mark.parametrize('mode', ['RGB', 'RGBA', 'P'])
def test_colours(lab: Path, mode: str) -> None:
    colours = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    colours[:2], colours[2:4] = (200, 1, 2), (128, 64, 128)
    image = Image.fromarray(colours)
    image = image.quantize(8) if mode == 'P' else image.convert(mode)
    for name in ('a', 'x/b'):
        image.save(lab / f'tags/{name}.png')
    mapping = {(200, 1, 2): 'arm', '#804080': 0, '0,0,0': 255}
    dataset = build(lab, label_encoding={'colours': mapping})
    assert classes_in(dataset) == [0, 2, 255]
    del mapping['#804080']
    dataset = build(lab, label_encoding={'colours': mapping})
    finding = rf'a\.png .* \(128, 64, 128\) \({2 * WIDTH} pixels\), but'
    with pytest.raises(InputError, match=finding):
        dataset[0]


def test_train_ids_and_colours_of_the_classes(lab: Path) -> None:
    for name in ('a', 'x/b'):
        write_label(lab / f'tags/{name}.png', [[0] * 8 + [2] * 8])
    assert classes_in(build(lab, label_encoding='train_ids')) == [0, 2]
    write_label(lab / 'tags/a.png', 3)
    with pytest.raises(InputError, match=r' 3 \(.* train ids are 0 to 2 and'):
        build(lab, label_encoding='train_ids')[0]
    colours = np.array([[META['palette'][1]] * 4 + [[0, 0, 0]] * 12])
    colours = np.repeat(colours.astype(np.uint8), HEIGHT, axis=0)
    Image.fromarray(colours).save(lab / 'tags/a.png')
    assert classes_in(build(lab, label_encoding='colours')) == [1, 255]


def test_palette_that_contradicts_declared_ids(lab: Path) -> None:
    image = Image.fromarray(np.full((HEIGHT, WIDTH), 3, np.uint8))
    image.putpalette(META['palette'][1] * 256)
    image.save(lab / 'tags/a.png')
    finding = r'a\.png contradicts its ids: id 3 is class 0, but its colour'
    with pytest.raises(InputError, match=finding):
        build(lab)[0]


def test_patterns_pair_images_and_labels(tmp_path: Path) -> None:
    for run in ('r1', 'r2'):
        write_image(tmp_path / f'{run}/rgb/0_cam.png')
        write_label(tmp_path / f'{run}/seg/0_gt.png', 3)
    for prefix in (
        {'img_path': '*/rgb/*_cam.png', 'seg_map_path': '*/seg/*_gt.png'},
        {'img_path': '*/rgb', 'seg_map_path': '*/seg'},
    ):
        suffixes = {}
        if prefix['img_path'] == '*/rgb':
            suffixes = {'img_suffix': '_cam.png', 'seg_map_suffix': '_gt.png'}
        dataset = build(tmp_path, data_prefix=prefix, **suffixes)
        assert len(dataset) == 2
        assert classes_in(dataset) == [0]
        info = dataset.get_data_info(1)
        assert info['img_path'].endswith('r2/rgb/0_cam.png')
        assert info['seg_map_path'].endswith('r2/seg/0_gt.png')


@pytest.mark.parametrize(
    ('encoding', 'finding'),
    [
        ({'ids': {3: 'floor', 0: 255}}, rf' 40 \({2 * WIDTH} pixels\), but'),
        ({'ids': {3: 'flor'}}, "3 to the class 'flor', which does not exist"),
        ({'ids': {3: 3}}, r'maps 3 to the class 3, which does .* \(0 to 2\)'),
        ({'ids': {3: 'floor', '3': 'box'}}, 'maps 3 twice: keep one class'),
        ({'ids': {-1: 'floor'}}, 'key -1, but it must be an id from 0 to 655'),
        ({'ids': {}}, r'label_encoding\.ids is .* a class for each id'),
        ({'colours': {'red': 0}}, "the key 'red', but it must be a colour"),
        ({'colours': {'0,0,0': 0, (0, 0, 0): 1}}, 'maps .* twice: keep one'),
        ({'colours': {(0, 0, 0): 0}}, r'a\.png is grey, but .* hold colours'),
        ({'ids': {3: 0}, 'channel': 'red'}, r'no red channel, .* it is grey'),
        ({'ids': {3: 0}, 'channel': 'r'}, "channel is 'r', but it must be on"),
        ({'ids': {3: 0}, 'colours': {(0, 0, 0): 0}}, 'either ids or colours'),
        ({'tags': {3: 0}}, 'must be one of label_ids, train_ids, colours'),
        ({'channel': 'red'}, 'needs either ids or colours'),
        ('label_ids', "stand for Cityscapes' classes, but .* has 3 others"),
        (
            'nothing.json',
            r'nothing\.json, which cannot be read as JSON \(File',
        ),
        (None, r'nothing says what they hold: set label_encoding to'),
    ],
)
def test_bad_encoding(lab: Path, encoding, finding: str) -> None:
    with pytest.raises(InputError, match=finding) as error:
        build(lab, label_encoding=encoding)[0]
    assert '\n' not in str(error.value) and str(error.value).endswith('.')


def test_bad_json(lab: Path) -> None:
    path = lab / 'tags.json'
    for text, finding in (
        ('{"ids": {"3": 0, "3": 1}}', r"tags\.json has the key '3' twice"),
        ('{"ids": ', r'tags\.json, which cannot be read as JSON \(JSONDecod'),
        ('{"ids": {"3": "x"}}', r"tags\.json\.ids maps 3 to the class 'x'"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=finding):
            build(lab, label_encoding=str(path))


def test_images_and_labels_that_do_not_pair(lab: Path) -> None:
    (lab / 'tags/a.png').rename(lab / 'tags/c.png')
    with pytest.raises(InputError, match=r'rgb/a\.jpg has no label .*1 of 2'):
        build(lab)
    (lab / 'tags/x/b.png').rename(lab / 'tags/x/d.png')
    finding = r'2 of 2 labels are missing.*there have the names c, x/d\.'
    with pytest.raises(InputError, match=finding):
        build(lab)


@pytest.mark.parametrize(
    ('meta', 'finding'),
    [
        ({'classes': ['a', 'a']}, 'metainfo.classes is .* different names'),
        ({'classes': 'ab'}, "metainfo.classes is 'ab', but it must be a list"),
        ({'classes': list(map(str, range(255)))}, 'a list of 1 to 254'),
        ({**META, 'classes': ['a']}, 'palette has 3 colours for 1 classes'),
    ],
)
def test_bad_classes(lab: Path, meta: dict, finding: str) -> None:
    with pytest.raises(InputError, match=finding):
        build(lab, metainfo=meta)


def test_a_zero_label_to_reduce_is_refused(lab: Path) -> None:
    """Which `LoadTrainIds` does not do, and the rest of mmseg would."""
    with pytest.raises(InputError, match='reduce_zero_label=True, which Load'):
        classes_in(build(lab, reduce_zero_label=True))


def test_folders_with_brackets_in_a_pattern(tmp_path: Path) -> None:
    for name in ('run[1]/town/a', 'run1/town/b'):
        write_image(tmp_path / f'{name}.png')
    path = str(tmp_path / 'run[1]/*/*.png')
    files = find_images(path, None, '', None, 'look')
    assert files == {'town/a': str(tmp_path / 'run[1]/town/a.png')}
    path = str(tmp_path / 'run[12]/*/*.png')
    assert list(find_images(path, None, '', None, 'look')) == ['1/town/b']


def test_an_unreadable_subfolder_is_named(tmp_path: Path, monkeypatch) -> None:
    for name in ('x/a', 'y/b'):
        write_image(tmp_path / f'{name}.png')
    scan = os.scandir

    def refuse(path):
        if str(path).endswith('/x'):
            raise PermissionError(13, 'Permission denied', path)
        return scan(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    with pytest.raises(InputError, match=r'/x cannot be read \(Permission'):
        find_images(str(tmp_path), None, '', None, 'look')


def test_254_classes(lab: Path) -> None:
    meta = {'classes': [f'class {i}' for i in range(254)]}
    ids = {3: 'class 253', 40: 0, 0: 255}
    encoding = {'ids': ids}
    with pytest.raises(InputError, match='254'):
        build(lab, metainfo={'classes': [*meta['classes'], 'x']})
    dataset = build(lab, metainfo=meta, label_encoding=encoding)
    assert classes_in(dataset) == [0, 253, 255]


# Copies at the training's size.


@pytest.mark.parametrize('patterns', [False, True])
def test_resized_copy(lab: Path, tmp_path: Path, patterns: bool) -> None:
    pipeline = [*PIPELINE[:2], {'type': 'mmseg_da.ResizeToScale'}]
    cfg = cfg_of(lab, img_scale=(8, 4), pipeline=[*pipeline, PIPELINE[2]])
    if patterns:
        cfg['data_prefix'] = {'img_path': 'r*/*.jpg', 'seg_map_path': 'tags'}
        with pytest.raises(InputError, match='img_path is .* only files'):
            write_resized(cfg, str(tmp_path / 'copy'))
        cfg['data_prefix'] = {'img_path': '*/rgb', 'seg_map_path': '*/tags'}
        (lab / 'all').mkdir()
        for name in ('rgb', 'tags'):
            (lab / name).rename(lab / 'all' / name)
    copied = {**cfg, **write_resized(cfg, str(tmp_path / 'copy'))}
    for one, other in zip(*map(DATASETS.build, (cfg, copied))):
        assert torch.equal(one['inputs'], other['inputs'])
        labels = [s['data_samples'].gt_sem_seg.data for s in (one, other)]
        assert torch.equal(*labels)
        assert labels[0].shape == (1, 4, 8)


# The public files of CARLA and CamVid, and what the headers say of them.


@pytest.mark.parametrize(
    ('header', 'key', 'folder', 'count'),
    [
        ('sources/carla', 'carla_dataset', 'carla', 850),
        ('targets/camvid', 'camvid_target_dataset', 'camvid', 367),
        ('targets/camvid', 'camvid_train_dataset', 'camvid', 367),
        ('targets/camvid', 'camvid_val_dataset', 'camvid', 101),
        ('targets/camvid', 'camvid_test_dataset', 'camvid', 233),
    ],
)
def test_carla_and_camvid(
    tmp_path: Path, header: str, key: str, folder: str, count: int
) -> None:
    cfg = Config.fromfile(CONFIGS / f'{header}.py')[key]
    encoding = cfg.get('label_encoding')
    if encoding:
        prefix, root = cfg.data_prefix, tmp_path
        write_image(root / prefix.img_path / '0001TP_006690.jpg')
        ids = np.resize([*encoding['ids']], (HEIGHT, WIDTH))
        write_label(root / prefix.seg_map_path / '0001TP_006690.png', ids)
        expected = set(encoding['ids'].values()) - {255}
        dataset = DATASETS.build(
            dict(cfg, data_root=str(root), pipeline=PIPELINE)
        )
        names_of_classes = dataset.metainfo['classes']
        found = set(classes_in(dataset)) - {255}
        assert {names_of_classes[i] for i in found} == expected
    if not CARLA2CAMVID.is_dir():
        return
    dataset = DATASETS.build(
        dict(
            cfg,
            data_root=str(CARLA2CAMVID / folder),
            pipeline=PIPELINE if encoding else UNLABELLED,
        )
    )
    assert len(dataset) == count
    assert dataset[3]['inputs'].shape == (3, 240, 320)
    if encoding:
        assert {0, 2, 8, 10} <= set(classes_in(dataset, 3))

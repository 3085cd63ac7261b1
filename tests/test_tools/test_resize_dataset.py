"""A resized copy trains on the same pixels, and says when it is stale."""

import copy
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from tiny_data import write_image, write_label

from dataset_converters.resize_dataset import main as resize
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools/dataset_converters/resize_dataset.py'
HEAD = [
    {'type': 'mmseg_da.LoadImage'},
    {'type': 'mmseg_da.LoadTrainIds'},
    {'type': 'mmseg_da.ResizeToScale'},
]
TAIL = [
    {'type': 'mmseg_da.ColorJitter', 'prob': 1.0},
    {'type': 'PackSegInputs'},
]


def gta5(root, **kwargs):
    for index, value in enumerate((7, 8, 33), 1):
        write_image(root / f'images/{index}.png', value, (37, 23))
        label = np.full((23, 37), value)
        label[5:, 11:20] = 26
        label[:3] = 0
        write_label(root / f'labels/{index}.png', label, 'P', (37, 23))
    return {
        'type': 'mmseg_da.GTA5Dataset',
        'data_root': str(root),
        'img_scale': (24, 16),
        'pipeline': [*HEAD, *TAIL],
        **kwargs,
    }


@pytest.fixture
def config(tmp_path):
    """A config file of a source, and of a target that has no labels."""
    folder = tmp_path / 'cityscapes/leftImg8bit/train/ulm'
    write_image(folder / 'ulm_000000_000019_leftImg8bit.png', 1, (40, 20))
    target = {
        'type': 'mmseg_da.CityscapesDataset',
        'data_root': str(tmp_path / 'cityscapes'),
        'data_prefix': {'img_path': 'leftImg8bit/train'},
        'img_scale': (32, 16),
        'pipeline': [HEAD[0], HEAD[2], TAIL[1]],
    }
    return write_config(tmp_path, gta5(tmp_path / 'gta5'), target)


def write_config(folder, source, target):
    hook = {'target_dataloader': {'dataset': target}}
    path = folder / 'config.py'
    path.write_text(
        f"default_scope = 'mmseg'\n"
        f'train_dataloader = {dict(dataset=source)}\n'
        f'default_hooks = {dict(adversarial=hook)}\n'
    )
    return path


def samples(dataset_cfg, seed=3):
    init_default_scope('mmseg')
    dataset = DATASETS.build(copy.deepcopy(dataset_cfg))
    for index in range(len(dataset)):
        np.random.seed(seed + index)
        yield dataset[index]


def train_cfg(config, options=None):
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(options or {})
    return cfg.train_dataloader.dataset


@pytest.mark.parametrize('workers', [0, 2])
def test_copy_gives_the_same_samples(config, tmp_path, capsys, workers):
    arguments = [str(config), str(tmp_path / 'out'), '--workers', workers]
    options = resize([str(word) for word in arguments])
    # What is printed can be pasted.
    words = capsys.readouterr().out.split('--cfg-options ')[1].split()
    parsed = dict(word.split('=', 1) for word in words)
    parsed = {k: DictAction._parse_iterable(v) for k, v in parsed.items()}
    assert parsed == options
    pairs = list(
        zip(samples(train_cfg(config)), samples(train_cfg(config, options)))
    )
    assert len(pairs) == 3
    for original, copied in pairs:
        assert copied['inputs'].shape == (3, 16, 24)
        assert torch.equal(original['inputs'], copied['inputs'])
        labels = [
            sample['data_samples'].gt_sem_seg.data
            for sample in (original, copied)
        ]
        assert len(labels[0].unique()) == 3
        assert torch.equal(*labels)
    # The copy was used: the originals are larger.
    assert pairs[0][1]['data_samples'].ori_shape == (16, 24)


def refuse(folder, source, out, found):
    config = write_config(folder, source, source)
    with pytest.raises(InputError, match=found):
        resize([str(config), str(out), '--workers', '0'])


def test_nothing_is_written_into_the_source(tmp_path):
    source = gta5(tmp_path / 'a')
    before = {p: p.read_bytes() for p in (tmp_path / 'a').rglob('*.png')}
    beside = dict(img_path='../a/images', seg_map_path='../a/labels')
    (tmp_path / 'v1').mkdir()
    moved = dict(source, data_root=str(tmp_path / 'v1'), data_prefix=beside)
    for out in ('small', 'v1/small'):
        refuse(tmp_path, moved, tmp_path / out, 'is not inside data_root')
    refuse(tmp_path, source, tmp_path / 'a/images/x', 'would read its own')
    whole = dict(img_path=str(tmp_path / 'a/images'))
    fixed = dict(source, data_prefix={**whole, 'seg_map_path': 'labels'})
    refuse(tmp_path, fixed, tmp_path / 'x', 'does not follow data_root')
    assert before == {p: p.read_bytes() for p in before}
    assert set(before) == set((tmp_path / 'a').rglob('*.*'))


def test_labels_of_another_encoding_or_other_classes(tmp_path):
    ids = {7: 'road', 8: 'sidewalk', 33: 'car', 26: 'car', 0: 255}
    root, out = tmp_path / 'a', tmp_path / 'out'
    source = gta5(root, label_encoding=dict(ids=ids))
    config = write_config(tmp_path, source, source)
    options = resize([str(config), str(out), '--workers', '0'])
    wrong = dict(source, label_encoding=dict(ids={**ids, 33: 'bus'}))
    refuse(tmp_path, wrong, out, 'another copy is there')
    key = 'train_dataloader.dataset.'
    own = {k.removeprefix(key): v for k, v in options.items()}
    lab = {**source, **own, 'type': 'mmseg_da.FolderDataset'}
    lab['data_prefix'] = dict(img_path='images', seg_map_path='labels')
    lab['metainfo'] = dict(classes=['car', 'road'], palette=[[0] * 3, [9] * 3])
    with pytest.raises(InputError, match='labels are of other classes'):
        list(samples(lab))


def test_a_lost_file_of_a_copy_is_noticed(config, tmp_path):
    words = [str(config), str(tmp_path / 'out'), '--workers', '0']
    options = resize(words)
    lost = next((tmp_path / 'out').rglob('*.bmp'))
    lost.unlink()
    with pytest.raises(InputError, match=r'lacks .*\.bmp \(1 files are'):
        list(samples(train_cfg(config, options)))
    assert resize(words) == options and lost.exists()
    assert len(list(samples(train_cfg(config, options)))) == 3


def test_a_black_class_is_not_the_void(tmp_path):
    root = tmp_path / 'a'
    write_image(root / 'images/1.png', 3, (8, 8))
    label = np.full((8, 8), 255)
    label[:4], label[4] = 0, 1
    write_label(root / 'labels/1.png', label, 'L', (8, 8))
    source = {
        'type': 'mmseg_da.FolderDataset',
        'data_root': str(root),
        'data_prefix': dict(img_path='images', seg_map_path='labels'),
        'metainfo': dict(classes=['none', 'car'], palette=[[0] * 3, [9] * 3]),
        'label_encoding': 'train_ids',
        'img_scale': (8, 8),
        'pipeline': [*HEAD, TAIL[1]],
    }
    config = write_config(tmp_path, source, source)
    options = resize([str(config), str(tmp_path / 'out'), '--workers', '0'])
    (sample,) = samples(train_cfg(config, options))
    found = sample['data_samples'].gt_sem_seg.data[0].numpy()
    assert np.array_equal(found, label)


def test_copy_of_a_target_without_labels(config, tmp_path):
    out = tmp_path / 'out'
    options = resize(
        [str(config), str(out), '--split', 'target', '--workers', '0']
    )
    key = 'default_hooks.adversarial.target_dataloader.dataset.'
    assert options == {
        key + 'data_root': str(out),
        key + 'img_suffix': '_leftImg8bit.bmp',
    }
    cfg = Config.fromfile(config)
    datasets = [copy.deepcopy(cfg)]
    cfg.merge_from_dict(options)
    datasets.append(cfg)
    one, other = (
        next(samples(c.default_hooks.adversarial.target_dataloader.dataset))
        for c in datasets
    )
    assert torch.equal(one['inputs'], other['inputs'])
    assert other['data_samples'].ori_shape == (16, 32)


def test_second_run_writes_only_what_changed(config, tmp_path):
    arguments = [str(config), str(tmp_path / 'out'), '--workers', '0']
    options = resize(arguments)
    files = sorted((tmp_path / 'out').rglob('*.*'))
    images = [path for path in files if path.suffix != '.json']
    assert len(images) == 6
    times = {path: path.stat().st_ctime_ns for path in images}
    write_image(tmp_path / 'gta5/images/2.png', 99, (37, 23))
    with pytest.raises(InputError, match=r'images/2\.png has changed.*1 of'):
        next(samples(train_cfg(config, options)))
    assert resize(arguments) == options
    # A sample at a time.
    changed = [p.name for p in images if p.stat().st_ctime_ns != times[p]]
    assert changed == ['2.bmp', '2_labelTrainIds.png']
    pairs = zip(
        samples(train_cfg(config)), samples(train_cfg(config, options))
    )
    assert all(torch.equal(a['inputs'], b['inputs']) for a, b in pairs)


@pytest.mark.parametrize('interrupted', [False, True])
def test_source_replaced_by_one_of_the_same_time(
    config, tmp_path, interrupted
):
    arguments = [str(config), str(tmp_path / 'out'), '--workers', '0']
    options = resize(arguments)
    source = tmp_path / 'gta5/images/2.png'
    before = source.stat()
    write_image(source, 99, (37, 23))
    # Text after its end makes sure of another size.
    source.write_bytes(source.read_bytes() + b'.')
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InputError, match=r'images/2\.png has changed'):
        next(samples(train_cfg(config, options)))
    if interrupted:
        # Before it comes to the sample in question.
        label = tmp_path / 'gta5/labels/1.png'
        whole = label.read_bytes()
        label.write_bytes(whole[:60])
        with pytest.raises(InputError, match=r'labels/1\.png is truncated'):
            resize(arguments)
        label.write_bytes(whole)
    assert resize(arguments) == options
    pairs = zip(
        samples(train_cfg(config)), samples(train_cfg(config, options))
    )
    assert all(torch.equal(a['inputs'], b['inputs']) for a, b in pairs)


def test_copy_without_its_source_is_used(config, tmp_path):
    options = resize([str(config), str(tmp_path / 'out'), '--workers', '0'])
    (tmp_path / 'gta5').rename(tmp_path / 'gone')
    assert len(list(samples(train_cfg(config, options)))) == 3


@pytest.mark.parametrize('asked', [2500, None])
def test_copy_of_fewer_images_is_told(config, tmp_path, told, asked):
    key = 'train_dataloader.dataset.max_samples'
    options = resize(
        [str(config), str(tmp_path / 'out'), '--workers', '0']
        + ['--cfg-options', f'{key}=2']
    )
    cfg = train_cfg(config, {**options, key: 2})
    assert len(list(samples(cfg))) == 2
    assert told == []
    cfg = train_cfg(config, {**options, key: asked})
    assert len(list(samples(cfg))) == 2
    (message,) = told
    said = 'the resized copy was made with 2 of 3 images.'
    if asked is not None:
        said = 'max_samples is 2,500, but there are 2 images.'
    assert message.startswith('GTA5Dataset in ') and message.endswith(said)


def test_copy_of_a_declared_encoding(config, tmp_path):
    key = 'train_dataloader.dataset.label_encoding'
    changed = {key: 'label_ids'}
    options = resize(
        [str(config), str(tmp_path / 'out'), '--workers', '0']
        + ['--cfg-options', f'{key}=label_ids']
    )
    assert options[key] == 'train_ids'
    for original, copied in zip(
        samples(train_cfg(config, changed)),
        samples(train_cfg(config, {**changed, **options})),
    ):
        labels = [
            sample['data_samples'].gt_sem_seg.data
            for sample in (original, copied)
        ]
        assert torch.equal(*labels)


def test_copy_of_another_size_is_refused(config, tmp_path):
    out = str(tmp_path / 'out')
    options = resize([str(config), out, '--workers', '0'])
    key = 'train_dataloader.dataset.img_scale'
    with pytest.raises(InputError, match='resized to 24x16'):
        next(samples(train_cfg(config, {**options, key: (48, 32)})))
    with pytest.raises(InputError, match='another copy is there'):
        resize([str(config), out, '--cfg-options', f'{key}=(48,32)'])


def test_interrupted_copy_is_refused_and_completed(config, tmp_path):
    label = tmp_path / 'gta5/labels/3.png'
    whole = label.read_bytes()
    label.write_bytes(whole[:60])
    arguments = [str(config), str(tmp_path / 'out'), '--workers', '0']
    with pytest.raises(InputError, match=r'labels/3\.png is truncated'):
        resize(arguments)
    options = {
        'train_dataloader.dataset.data_root': str(tmp_path / 'out'),
        'train_dataloader.dataset.img_suffix': '.bmp',
    }
    with pytest.raises(InputError, match='is incomplete: run tools'):
        next(samples(train_cfg(config, options)))
    label.write_bytes(whole)
    options = resize(arguments)
    assert len(list(samples(train_cfg(config, options)))) == 3
    assert not [p for p in os.listdir(tmp_path / 'out') if 'part' in p]


def test_folder_of_something_else_is_left_alone(config, tmp_path):
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'mine.txt').write_text('mine')
    with pytest.raises(InputError, match=r'mine\.txt is there'):
        resize([str(config), str(out)])
    assert os.listdir(out) == ['mine.txt']


def test_damaged_manifest_is_named(config, tmp_path):
    options = resize([str(config), str(tmp_path / 'out'), '--workers', '0'])
    manifest = tmp_path / 'out/resized.json'
    assert json.loads(manifest.read_text())['img_scale'] == [24, 16]
    manifest.write_text('{')
    with pytest.raises(InputError, match=r'resized\.json is damaged'):
        next(samples(train_cfg(config, options)))


def test_what_cannot_be_copied(config, tmp_path):
    out = str(tmp_path / 'out')
    late = [HEAD[0], HEAD[2], HEAD[1], TAIL[1]]  # labels keep their size
    for pipeline in (
        late,
        [*HEAD[:2], *TAIL],
        [TAIL[0], *HEAD],
        [HEAD[0], TAIL[-1]],
    ):
        source = gta5(tmp_path / 'gta5', pipeline=pipeline)
        write_config(tmp_path, source, None)
        with pytest.raises(InputError, match='pipeline begins with'):
            resize([str(config), out])
    with pytest.raises(InputError, match='--workers is -1'):
        resize([str(config), out, '--workers', '-1'])
    with pytest.raises(InputError, match='choose another --split'):
        resize([str(config), out, '--split', 'target'])
    assert not os.path.exists(out)

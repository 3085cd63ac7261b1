"""GTA5 and what both data sets share."""

from collections import OrderedDict
from pathlib import Path

import pytest
from mmengine.dataset import BaseDataset
from mmengine.logging import MMLogger
from mmseg.datasets import CityscapesDataset as MMSegCityscapes
from tiny_data import HEIGHT, PIPELINE, WIDTH, write_image, write_label
from torch.utils.data import DataLoader

from mmseg_da.datasets import GTA5Dataset
from mmseg_da.datasets.encodings import TRAIN_IDS
from mmseg_da.errors import InputError

BASE = 'mmseg_da.datasets.seeded_dataset'


def stems(dataset: BaseDataset) -> list:
    return [
        Path(dataset.get_data_info(i)['img_path']).stem
        for i in range(len(dataset))
    ]


def test_reads_palette_labels(gta5: Path) -> None:
    dataset = GTA5Dataset(data_root=str(gta5), pipeline=PIPELINE)
    assert len(dataset) == 10
    assert dataset.metainfo['classes'] == MMSegCityscapes.METAINFO['classes']
    sample = dataset[2]  # label id 11, building
    assert sample['inputs'].shape == (3, HEIGHT, WIDTH)
    label = sample['data_samples'].gt_sem_seg.data
    assert label.unique().tolist() == [2]
    label = dataset[9]['data_samples'].gt_sem_seg.data  # unlabeled
    assert label.unique().tolist() == [255]


def test_reads_train_ids(gta5: Path) -> None:
    for i in range(1, 11):
        write_label(gta5 / f'labels/{i:05d}_labelTrainIds.png', 18)
    dataset = GTA5Dataset(
        data_root=str(gta5),
        seg_map_suffix='_labelTrainIds.png',
        pipeline=PIPELINE,
    )
    assert dataset.get_data_info(0)['label_encoding'].ids == TRAIN_IDS.ids
    label = dataset[0]['data_samples'].gt_sem_seg.data
    assert label.unique().tolist() == [18]


def test_custom_classes(gta5: Path) -> None:
    dataset = GTA5Dataset(
        data_root=str(gta5),
        metainfo={'classes': ('building', 'road')},
        pipeline=PIPELINE,
    )
    labels = [
        dataset[i]['data_samples'].gt_sem_seg.data.unique().tolist()
        for i in (0, 1, 2, 9)
    ]
    assert labels == [[1], [255], [0], [255]]


def test_ids(gta5: Path) -> None:
    dataset = GTA5Dataset(data_root=str(gta5), ids=[7, '00002', 7])
    assert stems(dataset) == ['00002', '00007']


@pytest.mark.parametrize('ids', [[1, 11], ['99999'], []])
def test_unknown_ids(gta5: Path, ids: list) -> None:
    with pytest.raises(InputError, match=r'are 00001, .*\(10 in all\)'):
        GTA5Dataset(data_root=str(gta5), ids=ids)


def test_max_samples_are_evenly_spaced(gta5: Path) -> None:
    dataset = GTA5Dataset(data_root=str(gta5), max_samples=3)
    assert stems(dataset) == ['00001', '00004', '00007']
    with pytest.raises(InputError, match='max_samples is 0'):
        GTA5Dataset(data_root=str(gta5), max_samples=0)


def test_fewer_images_than_max_samples_are_told(
    gta5: Path, told: list[str]
) -> None:
    assert len(GTA5Dataset(data_root=str(gta5), max_samples=10)) == 10
    assert told == []
    assert len(GTA5Dataset(data_root=str(gta5), max_samples=2500)) == 10
    (message,) = told
    assert message.startswith(f"GTA5Dataset in '{gta5}/images': ")
    assert message.endswith('max_samples is 2,500, but there are 10 images.')


@pytest.mark.parametrize('start', ['~', '$HOME', '${HOME}'])
def test_home_in_paths(
    gta5: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    monkeypatch.setenv('HOME', str(gta5.parent))
    (gta5 / 'list.txt').write_text('00003\n')
    root = f'{start}/gta5'
    assert len(GTA5Dataset(data_root=root, ann_file='list.txt')) == 1
    prefix = {'img_path': f'{root}/images', 'seg_map_path': f'{root}/labels'}
    ann_file = f'{root}/list.txt'
    assert len(GTA5Dataset(data_prefix=prefix, ann_file=ann_file)) == 1


def test_label_encoding_is_an_argument(gta5: Path) -> None:
    """Over what the names say, and checked against the files."""
    for i in range(1, 11):
        write_label(gta5 / f'labels/{i:05d}_ids.png', 8)
    kwargs = {
        'data_root': str(gta5),
        'seg_map_suffix': '_ids.png',
        'pipeline': PIPELINE,
    }
    for encoding, expected in (('train_ids', 8), ('label_ids', 1)):
        dataset = GTA5Dataset(label_encoding=encoding, **kwargs)
        label = dataset[0]['data_samples'].gt_sem_seg.data
        assert label.unique().tolist() == [expected]
    for bad in ('trainids', 3):
        with pytest.raises(InputError, match='must be one of label_ids, trai'):
            GTA5Dataset(label_encoding=bad, **kwargs)


def test_file_that_fits_two_encodings_is_told_once(
    gta5: Path, told: list[str]
) -> None:
    dataset = GTA5Dataset(data_root=str(gta5), pipeline=PIPELINE)
    dataset[8]  # id 21 is no train id
    assert told == []
    dataset[0]
    dataset[1]
    (message,) = told
    assert 'labels/00001.png fits both label ids and train ids' in message
    for encoding in ('label_ids', 'train_ids'):
        GTA5Dataset(
            data_root=str(gta5), pipeline=PIPELINE, label_encoding=encoding
        )[0]
    assert len(told) == 1


@pytest.mark.parametrize('mark', ['', '\ufeff'])
def test_file_list(gta5: Path, mark: str) -> None:
    (gta5 / 'list.txt').write_text(
        f'{mark}00003\n\n00001.png\n', encoding='utf-8'
    )
    dataset = GTA5Dataset(data_root=str(gta5), ann_file='list.txt')
    assert stems(dataset) == ['00001', '00003']


@pytest.mark.parametrize(
    ('text', 'finding'),
    [
        (None, r'list\.txt.* cannot be read .*FileNotFoundError'),
        (b'\xff\xfe\x80', r'list\.txt.* cannot be read'),
        (b'\n', r'list\.txt.* is empty'),
        (b'00001\n00077\n', r'list\.txt.* names 00077, but'),
    ],
)
def test_bad_file_list(gta5: Path, text: bytes, finding: str) -> None:
    if text is not None:
        (gta5 / 'list.txt').write_bytes(text)
    with pytest.raises(InputError, match=finding):
        GTA5Dataset(data_root=str(gta5), ann_file='list.txt')


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        GTA5Dataset(data_root=str(tmp_path / 'gta5'))
    message = str(error.value)
    for part in ('gta5/images', 'data/gta5', 'data_root', 'make_demo_data'):
        assert part in message
    assert '\n' not in message


def test_empty_folder_and_wrong_suffix(gta5: Path, tmp_path: Path) -> None:
    (tmp_path / 'empty/images').mkdir(parents=True)
    with pytest.raises(InputError, match=r"no file '\*\.png'"):
        GTA5Dataset(data_root=str(tmp_path / 'empty'))
    with pytest.raises(InputError, match=r"no file '\*\.jpg'.*img_suffix"):
        GTA5Dataset(data_root=str(gta5), img_suffix='.jpg')


def test_missing_label(gta5: Path) -> None:
    (gta5 / 'labels/00004.png').unlink()
    (gta5 / 'labels/00006.png').unlink()
    finding = r'images/00004\.png has no label .*labels/00004\.png \(2 of 10'
    with pytest.raises(InputError, match=finding):
        GTA5Dataset(data_root=str(gta5))
    # Only what is used has to be there.
    assert len(GTA5Dataset(data_root=str(gta5), ids=[1, 2, 3])) == 3


def test_missing_label_folder(gta5: Path) -> None:
    prefix = {'img_path': 'images', 'seg_map_path': 'label'}
    with pytest.raises(InputError, match=r'gta5/label.*seg_map_path'):
        GTA5Dataset(data_root=str(gta5), data_prefix=prefix)


def test_labels_loaded_but_not_given(gta5: Path) -> None:
    with pytest.raises(InputError, match=r'no data_prefix\.seg_map_path'):
        GTA5Dataset(
            data_root=str(gta5),
            data_prefix={'img_path': 'images', 'seg_map_path': None},
            pipeline=PIPELINE,
        )


def test_link_to_parent_and_hidden_files(gta5: Path) -> None:
    (gta5 / 'images/again').symlink_to(gta5 / 'images')
    write_image(gta5 / 'images/._00001.png')
    assert len(GTA5Dataset(data_root=str(gta5))) == 10


def test_linked_folder_is_followed(gta5: Path, tmp_path: Path) -> None:
    root = tmp_path / 'linked'
    for kind in ('images', 'labels'):
        (root / kind).mkdir(parents=True)
        (root / kind / 'part1').symlink_to(gta5 / kind)
    dataset = GTA5Dataset(data_root=str(root), pipeline=PIPELINE)
    assert len(dataset) == 10
    label = dataset[2]['data_samples'].gt_sem_seg.data
    assert label.unique().tolist() == [2]


def test_bad_sample_stops_or_is_skipped(gta5: Path) -> None:
    write_label(gta5 / 'labels/00005.png', 99)
    kwargs = {'data_root': str(gta5), 'pipeline': PIPELINE}
    with pytest.raises(InputError, match=r'labels/00005\.png .* 99'):
        GTA5Dataset(**kwargs)[4]
    dataset = GTA5Dataset(skip_bad_samples=True, **kwargs)
    for _ in range(2):
        path = Path(dataset[4]['data_samples'].img_path)
        assert path.stem != '00005'
    (bad,) = dataset.bad_samples.items()
    assert bad[0].endswith('images/00005.png')
    assert 'labels/00005.png' in bad[1]
    # Scores must not depend on what happened to be readable.
    with pytest.raises(InputError, match='99'):
        GTA5Dataset(skip_bad_samples=True, test_mode=True, **kwargs)[4]


def test_all_samples_bad(gta5: Path) -> None:
    for i in range(1, 11):
        write_label(gta5 / f'labels/{i:05d}.png', 99)
    dataset = GTA5Dataset(
        data_root=str(gta5), pipeline=PIPELINE, skip_bad_samples=True
    )
    with pytest.raises(InputError, match='All 10 samples are unusable'):
        dataset[0]


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('rank', [0, 1])
def test_bad_samples_are_told_and_counted(
    gta5: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
    rank: int,
    workers: int,
) -> None:
    """On every rank, and over its workers."""
    for place in ('mmengine.logging.logger._get_rank', f'{BASE}.get_rank'):
        monkeypatch.setattr(place, lambda: rank)
    monkeypatch.setattr(MMLogger, '_instance_dict', OrderedDict())
    MMLogger.get_instance('of the rank')
    for i in (1, 2, 5, 6):
        write_label(gta5 / f'labels/{i:05d}.png', 99)
    dataset = GTA5Dataset(
        data_root=str(gta5), pipeline=PIPELINE, skip_bad_samples=True
    )
    # Of two workers, each meets two of them, twice.
    list(
        DataLoader(
            dataset,
            batch_size=2,
            sampler=[*range(10)] * 2,
            num_workers=workers,
            collate_fn=list,
        )
    )
    lines = capfd.readouterr().out.splitlines()
    for i in (1, 2, 5, 6):
        line = next(x for x in lines if f'images/{i:05d}.png' in x)
        assert f'labels/{i:05d}.png holds the unknown label' in line
    told = [x for x in lines if 'Skipped sample' in x]
    assert all(f' of 10 bad so far on rank {rank})' in x for x in told)
    assert any('(4 of 10 bad' in x for x in told)
    assert not any('(5 of 10 bad' in x for x in told)


def test_missing_labels_are_left_out(gta5: Path, told: list[str]) -> None:
    (gta5 / 'labels/00004.png').unlink()
    (gta5 / 'labels/00006.png').unlink()
    kwargs = {'data_root': str(gta5), 'skip_bad_samples': True}
    dataset = GTA5Dataset(**kwargs)
    assert len(dataset) == 8
    assert {'00004', '00006'}.isdisjoint(stems(dataset))
    (message,) = told
    assert message.startswith('Skipped 2 samples: ')
    assert 'images/00004.png has no label' in message
    assert message.endswith('(2 of 10 labels are missing).')
    # Scores must not depend on what happened to be there.
    with pytest.raises(InputError, match='2 of 10 labels are missing'):
        GTA5Dataset(test_mode=True, **kwargs)
    # No label at all is a wrong folder or suffix.
    with pytest.raises(InputError, match='10 of 10 .*check seg_map_suffix'):
        GTA5Dataset(seg_map_suffix='_labelTrainIds.png', **kwargs)


@pytest.mark.parametrize('scale', [(0, 4), 512, (4.5, 2), (1, 2, 3)])
def test_bad_img_scale(gta5: Path, scale: tuple) -> None:
    with pytest.raises(InputError, match=r'GTA5Dataset\.img_scale'):
        GTA5Dataset(data_root=str(gta5), img_scale=scale)

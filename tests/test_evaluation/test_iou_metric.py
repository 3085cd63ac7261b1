"""The metric against MMSegmentation's, integer by integer."""

import pytest
import torch
from mmseg.evaluation import IoUMetric as MMSegIoUMetric

from mmseg_da.errors import InputError
from mmseg_da.evaluation import IoUMetric, iou_metric

NAMES = ('intersection', 'union', 'prediction', 'label')


def random_pair(num_classes=19, others=(255,), shape=(37, 53), seed=0):
    """A label, and a prediction that is right on half of the pixels."""
    rng = torch.Generator().manual_seed(seed)
    ids = torch.tensor([*range(num_classes), *others])
    label = ids[torch.randint(len(ids), shape, generator=rng)]
    wrong = torch.randint(num_classes, shape, generator=rng)
    right = torch.rand(shape, generator=rng) < 0.5
    return torch.where(right & (label < num_classes), label, wrong), label


def count(metric, prediction, label, num_classes=19, ignore_index=255):
    """Both take what ``process`` gives: the label in the other's type."""
    areas = metric.intersect_and_union(
        prediction, label.to(prediction), num_classes, ignore_index
    )
    return {name: area.tolist() for name, area in zip(NAMES, areas)}


@pytest.mark.parametrize('dtype', [torch.int64, torch.int32, torch.uint8])
@pytest.mark.parametrize(
    'others', [(255,), (), (254, 255)], ids=['ignored', 'all', 'unknown']
)
def test_counts_are_mmsegs(dtype, others):
    prediction, label = random_pair(others=others)
    prediction = prediction.to(dtype)
    expected = count(MMSegIoUMetric, prediction, label)
    assert sum(expected['intersection']) > 500
    assert count(IoUMetric, prediction, label) == expected


def test_counts_are_mmsegs_when_a_class_is_ignored():
    prediction, label = random_pair()
    expected = count(MMSegIoUMetric, prediction, label, ignore_index=3)
    assert expected['label'][3] == 0 < expected['prediction'][3]
    found = count(IoUMetric, prediction, label, ignore_index=3)
    assert found == expected


def test_counts_are_mmsegs_when_nothing_is_labelled():
    prediction, _ = random_pair()
    label = torch.full_like(prediction, 255)
    found = count(IoUMetric, prediction, label)
    assert found == count(MMSegIoUMetric, prediction, label)
    assert set(found['union']) == {0}


@pytest.mark.parametrize(
    'num_classes, ignore_index', [(300, 255), (19, -1), (256, 255)]
)
def test_counts_are_mmsegs_beyond_a_byte(num_classes, ignore_index):
    prediction, label = random_pair(num_classes, (ignore_index,))
    arguments = prediction, label, num_classes, ignore_index
    assert count(IoUMetric, *arguments) == count(MMSegIoUMetric, *arguments)


def test_large_maps_are_counted_in_parts(monkeypatch):
    prediction, label = random_pair()
    monkeypatch.setattr(iou_metric, 'MAX_COUNT', 100)  # 1,961 pixels
    found = count(IoUMetric, prediction, label)
    assert found == count(MMSegIoUMetric, prediction, label)


def test_counts_by_hand():
    prediction = torch.tensor([[0, 0, 1], [2, 1, 1]])
    label = torch.tensor([[0, 1, 1], [255, 0, 1]])
    assert count(IoUMetric, prediction, label, num_classes=3) == {
        'intersection': [1, 2, 0],
        'union': [3, 4, 0],
        'prediction': [2, 3, 0],
        'label': [2, 3, 0],
    }


def sample(prediction, label):
    return {
        'pred_sem_seg': {'data': torch.tensor([prediction])},
        'gt_sem_seg': {'data': torch.tensor([label])},
    }


def test_metrics_of_two_images_by_hand():
    metric = IoUMetric(iou_metrics=['mIoU'])
    metric.dataset_meta = {'classes': ('road', 'sky', 'car')}
    metric.process({}, [sample([[0, 0, 1, 1]], [[0, 1, 1, 255]])])
    metric.process({}, [sample([[0, 0]], [[0, 0]])])
    found = metric.evaluate(size=2)
    # road: 3 of 4, sky: 1 of 2, no car anywhere.
    assert found['IoU.road'] == 75 and found['IoU.sky'] == 50
    assert 'IoU.car' not in found
    assert found['mIoU'] == 62.5
    assert found['aAcc'] == 80  # 4 of 5


def test_totals_are_exact_beyond_single_precision():
    zeros = torch.zeros(1, 1)
    areas = IoUMetric.intersect_and_union(zeros, zeros, 1, 255)
    # Which does not exist in float32.
    assert [float(area + 2**24) for area in areas] == [2**24 + 1] * 4


def metric_of(classes, **kwargs):
    metric = IoUMetric(**kwargs)
    metric.dataset_meta = {'classes': classes}
    return metric


def test_label_of_another_size_than_its_prediction():
    metric = metric_of('ab')
    data = sample([[0] * 12] * 8, [[0] * 6] * 4)
    data['img_path'] = 'a.png'
    with pytest.raises(InputError) as error:
        metric.process({}, [data])
    assert 'The label of a.png is 6x4, but its prediction is 12x8' in str(
        error.value
    )


def test_means_over_some_classes():
    """By hand: IoU 1/2, 1/4, 0; the class d does not occur."""
    metric = metric_of(
        'abcd', class_means={'mIoU2': ['a', 'b'], 'mIoU_bcd': ['b', 'c', 'd']}
    )
    prediction, label = [[0, 1, 1, 2, 1, 0]], [[0, 0, 1, 1, 2, 255]]
    metric.process({}, [sample(prediction, label)])
    results = metric.compute_metrics(metric.results)
    assert results['mIoU2'] == pytest.approx((50 + 100 / 4) / 2, abs=0.01)
    assert results['mIoU_bcd'] == pytest.approx((100 / 4 + 0) / 2, abs=0.01)
    assert 'IoU.d' not in results


@pytest.mark.parametrize('classes', [['a', 'z'], 'a', []])
def test_mean_over_unknown_classes(classes):
    with pytest.raises(InputError, match=r'class_means\.mIoU2 (names|is)'):
        metric_of('ab', class_means={'mIoU2': classes})

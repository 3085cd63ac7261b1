"""A single image is treated as the test data set's images are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from toy import CONFIGS

from mmseg_da.apis import (
    build_test_datasets,
    inference,
    init_model,
    init_predictor,
    read_image,
)
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config

DATASET = 'test_dataloader.dataset'
# Of road, car and sky.
PALETTE = [[128, 64, 128], [0, 0, 142], [70, 130, 180]]
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(96, 64)),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]


def config_with(trained, **dataset) -> Config:
    """The trained config, with a test data set of other arguments."""
    return load_config(
        trained[0], {f'{DATASET}.{k}': v for k, v in dataset.items()}
    )


def joined(trained, *scales: tuple[int, int]) -> Config:
    """The config, tested on its data at several sizes, one after another."""
    cfg = load_config(trained[0])
    one = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = dict(
        type='ConcatDataset',
        datasets=[dict(one, img_scale=scale) for scale in scales],
    )
    return cfg


@pytest.mark.parametrize('scale', [(96, 64), (64, 32)])
def test_one_key_sets_the_size_in_testing_and_in_inference(
    trained, scale
) -> None:
    cfg = config_with(trained, img_scale=scale)
    model = init_model(cfg, trained[1], 'cpu')
    predict = init_predictor(cfg, trained[1], 'cpu')
    (dataset,) = build_test_datasets(cfg)
    batch = pseudo_collate([dataset[0]])
    inputs = model.data_preprocessor(batch)['inputs']
    assert inputs.shape[2:] == scale[::-1]
    file = dataset.get_data_info(0)['img_path']
    assert torch.equal(predict.preprocess([read_image(file)]), inputs)
    with torch.no_grad():
        (sample,) = model.test_step(batch)
    expected = sample.pred_sem_seg.data[0].numpy()
    assert len(np.unique(expected)) > 1
    assert np.array_equal(inference(model, file), expected)
    assert (predict(read_image(file)) == expected).mean() > 0.999


def test_a_preprocessor_beside_the_model(trained, frames: Path) -> None:
    """As the runner takes it; without it images are not normalised."""
    file = min(map(str, frames.rglob('*_leftImg8bit.png')))
    cfg = load_config(trained[0])
    expected = init_model(cfg, trained[1], 'cpu')
    cfg.data_preprocessor = cfg.model.pop('data_preprocessor')
    model = init_model(cfg, trained[1], 'cpu')
    assert torch.equal(
        model.data_preprocessor.mean, expected.data_preprocessor.mean
    )
    found = inference(model, file)
    assert np.array_equal(found, inference(expected, file))


def test_an_exported_network_of_other_classes(trained) -> None:
    predict = init_predictor(*trained, device='cpu')
    predict.network = lambda images: images.new_zeros(1, 5, 8, 8)
    with pytest.raises(InputError, match='predicts 5 classes, but the con.*3'):
        predict(np.zeros((16, 16, 3), np.uint8))


def test_a_step_that_writes_into_the_image(trained) -> None:
    cfg = load_config(trained[0])
    steps = [dict(type='LoadImageFromFile'), dict(type='CLAHE')]
    cfg.test_dataloader.dataset.pipeline = [*steps, dict(type='PackSegInputs')]
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    before = image.copy()
    model = init_model(cfg, trained[1], 'cpu')
    predict = init_predictor(cfg, trained[1], 'cpu')
    for function in (predict, lambda x: inference(model, x)):
        first = function(image)
        assert np.array_equal(image, before)
        assert np.array_equal(function(image), first)


def test_files_and_arrays_in_any_order(trained, frames: Path) -> None:
    files = sorted(map(str, frames.rglob('*_leftImg8bit.png')))
    model = init_model(*trained, device='cpu')
    by_array, by_file = inference(model, [read_image(files[0]), files[0]])
    assert np.array_equal(by_array, by_file)
    assert by_file.shape == (64, 128)
    with pytest.raises(InputError, match='nowhere.png cannot be read'):
        inference(model, 'nowhere.png')


def test_steps_for_the_label_are_left_out(trained) -> None:
    name = 'da/bisenet_adv_gta2cs_eval-1024x512.py'
    evaluation = load_config(CONFIGS / name)
    cfg = config_with(trained, pipeline=evaluation.eval_pipeline)
    pipeline = init_model(cfg, device='cpu').cfg.test_pipeline
    assert [step['type'] for step in pipeline] == [
        'mmseg_da.LoadImage',
        'Resize',
        'PackSegInputs',
    ]


def test_classes_and_colours_are_those_of_the_built_data_set(trained) -> None:
    meta = init_model(trained[0], device='cpu').dataset_meta
    assert tuple(meta['classes']) == ('road', 'car', 'sky')
    assert list(map(list, meta['palette'])) == PALETTE


@pytest.mark.parametrize('palette', [[[1, 2, 3], [4, 5, 6], [7, 8, 9]], None])
def test_a_plain_data_set(trained, frames: Path, palette) -> None:
    metainfo = dict(classes=('a', 'b', 'c'))
    if palette is not None:
        metainfo['palette'] = palette
    cfg = load_config(trained[0])
    cfg.test_dataloader.dataset = dict(
        type='BaseSegDataset',
        data_root=str(frames),
        data_prefix=dict(img_path='leftImg8bit', seg_map_path='gtFine'),
        metainfo=metainfo,
        pipeline=PIPELINE,
    )
    predict = init_predictor(cfg, trained[1], 'cpu')
    assert predict(np.zeros((64, 128, 3), np.uint8)).shape == (64, 128)
    found = predict.model.dataset_meta['palette']
    assert found == palette if palette else len(found) == 3


def test_joined_data_sets(trained) -> None:
    cfg = joined(trained, (96, 64), (96, 64))
    assert len(build_test_datasets(cfg)) == 2
    predict = init_predictor(cfg, trained[1], 'cpu')
    image = np.zeros((64, 128, 3), np.uint8)
    assert predict.preprocess([image]).shape == (1, 3, 64, 96)
    with pytest.raises(
        InputError,
        match=r'dataset\.datasets\.0 and .*datasets\.1 prepare images in diff',
    ):
        init_model(joined(trained, (96, 64), (64, 32)))


def test_other_classes_than_the_models_are_refused(trained) -> None:
    with pytest.raises(
        InputError, match='dataset has 19 classes and the model predicts 3'
    ):
        init_model(config_with(trained, metainfo=None))
    cfg = config_with(trained, type='BaseSegDataset', metainfo=None)
    cfg.test_dataloader.dataset.pop('img_scale')
    cfg.test_dataloader.dataset.pipeline = PIPELINE
    with pytest.raises(InputError, match='dataset names no classes: set its'):
        init_model(cfg)

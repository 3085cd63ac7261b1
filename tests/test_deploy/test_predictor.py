"""The fast path gives what MMSegmentation's own route gives."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.apis import inference_model
from mmseg.apis import init_model as mmseg_init_model

from mmseg_da.apis import init_model, init_predictor
from mmseg_da.deploy import FastSegmentor, Predictor, packed_conv
from mmseg_da.errors import InputError
from mmseg_da.registry import MODELS


def street(seed=0, size=(100, 200)):
    """An image with regions, BGR."""
    noise = np.random.default_rng(seed).integers(0, 256, (7, 11, 3), np.uint8)
    return cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope='module')
def reference(trained):
    """MMSegmentation's own route, with the size written out."""
    model = mmseg_init_model(*trained, device='cpu')
    model.cfg.test_pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(128, 64)),
        dict(type='PackSegInputs'),
    ]

    def predict(image):
        return inference_model(model, image).pred_sem_seg.data[0].numpy()

    return predict


@pytest.fixture(scope='module')
def predictor(trained):
    return init_predictor(*trained, device='cpu')


def agree(found, expected, share=0.9999):
    assert found.shape == expected.shape
    assert len(np.unique(expected)) > 2
    assert (found == expected).mean() >= share


def test_predictor_equals_inference_model(reference, predictor):
    image = street()
    found = predictor(image)
    assert found.dtype == np.uint8
    agree(found, reference(image))


def test_another_size_keeps_the_other_steps(trained):
    model = init_model(*trained, device='cpu')
    model.cfg.test_pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(64, 32)),
        dict(type='CLAHE'),
        dict(type='PackSegInputs'),
    ]
    fast = FastSegmentor(model)
    found = Predictor(fast, scale=(128, 64)).preprocess([street()])
    model.cfg.test_pipeline[1].scale = (128, 64)
    assert torch.equal(found, Predictor(fast).preprocess([street()]))
    without = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    fast.cfg = Config(dict(test_pipeline=without))
    sized = Predictor(fast, scale=(128, 64)).preprocess([street()])
    assert sized.shape == found.shape and not torch.equal(sized, found)


def test_rgb_and_batches(reference, predictor):
    images = [street(1), street(2, (64, 128))]
    for found, image in zip(predictor(images), images):
        agree(found, reference(image))
    found = predictor(
        np.stack([image[..., ::-1] for image in images[:1]]), True
    )
    agree(found[0], reference(images[0]))


def test_inference_model_takes_the_fast_segmentor(
    reference, trained, tmp_path
):
    image = street(3)
    model = FastSegmentor(init_model(*trained, device='cpu'))
    assert len(model.dataset_meta['classes']) == 19
    found = inference_model(model, image).pred_sem_seg.data
    assert found.shape == (1, *image.shape[:2])
    agree(found[0].numpy(), reference(image))
    # And a file.
    cv2.imwrite(str(tmp_path / 'image.png'), image)
    model = FastSegmentor(init_model(*trained, device='cpu'))
    found = inference_model(model, str(tmp_path / 'image.png'))
    agree(found.pred_sem_seg.data[0].numpy(), reference(image))


def test_bf16_is_near(reference, trained):
    image = street(4)
    found = init_predictor(*trained, device='cpu', precision='bf16')(image)
    agree(found, reference(image), 0.9)


def test_bf16_where_it_cannot_be_packed(reference, trained, monkeypatch):
    monkeypatch.setattr(packed_conv, '_packs_bf16', lambda: False)
    image = street(4)
    predictor = init_predictor(*trained, device='cpu', precision='bf16')
    packed = [
        isinstance(part, packed_conv.PackedConv2d)
        for part in predictor.model.modules()
    ]
    assert not any(packed)
    agree(predictor(image), reference(image), 0.9)


def test_padding_at_test_time_is_refused(trained):
    cfg = Config.fromfile(trained[0])
    cfg.model.data_preprocessor.test_cfg = dict(size_divisor=64)
    message = "test_cfg is {'size_divisor': 64}, which pads"
    with pytest.raises(InputError, match=message):
        init_predictor(cfg, trained[1], device='cpu')(street(5, (50, 100)))


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8, 4), np.uint8),
    ],
)
def test_wrong_images_are_named(predictor, image):
    with pytest.raises(InputError, match='uint8'):
        predictor([image])


def test_what_the_fast_path_does_not_know(segmentor, trained):
    with pytest.raises(InputError, match="is 'int3': set it to one.*fp32"):
        FastSegmentor(segmentor, 'int3')
    with pytest.raises(InputError, match='fp16 needs a GPU'):
        FastSegmentor(segmentor, 'fp16')
    cfg = Config.fromfile(trained[0])
    cfg.model.test_cfg = dict(mode='slide', crop_size=(32, 32), stride=(9, 9))
    with pytest.raises(InputError, match="mode is 'slide'"):
        FastSegmentor(MODELS.build(cfg.model))
    del cfg._cfg_dict['test_dataloader'], cfg._cfg_dict['val_dataloader']
    cfg.model.test_cfg = dict(mode='whole')
    with pytest.raises(InputError, match='no test_dataloader'):
        init_predictor(cfg, trained[1], device='cpu')
    with pytest.raises(RuntimeError, match="'loss'"):
        FastSegmentor(segmentor)(torch.zeros(1, 3, 32, 32), mode='loss')

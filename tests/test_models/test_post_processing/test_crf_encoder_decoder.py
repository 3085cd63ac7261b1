"""The CRF behind a stock segmentor, switched on by the config."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.structures import SegDataSample

from mmseg_da.errors import InputError
from mmseg_da.models.post_processing import dense_crf
from mmseg_da.registry import MODELS

MEAN = [123.675, 116.28, 103.53]
STD = [58.395, 57.12, 57.375]
META = dict(
    ori_shape=(32, 48), img_shape=(32, 48), pad_shape=(32, 48), flip=False
)


def build(**changes):
    init_default_scope('mmseg')
    torch.manual_seed(0)
    config = Config(
        dict(
            model=dict(
                type='EncoderDecoder',
                data_preprocessor=dict(
                    type='SegDataPreProcessor',
                    mean=MEAN,
                    std=STD,
                    bgr_to_rgb=True,
                    size_divisor=1,
                ),
                backbone=dict(
                    type='ResNet',
                    depth=18,
                    base_channels=4,
                    stem_channels=4,
                ),
                decode_head=dict(
                    type='FCNHead',
                    in_channels=32,
                    channels=8,
                    num_classes=5,
                    dropout_ratio=0,
                ),
                test_cfg=dict(mode='whole'),
            )
        )
    )
    config.merge_from_dict(changes)
    return MODELS.build(config.model).eval()


def test_one_key_switches_it_on():
    """Same weights; the image is the one that went in, for each of a batch."""
    plain = build()
    segmentor = build(**{'model.type': 'mmseg_da.CRFEncoderDecoder'})
    segmentor.load_state_dict(plain.state_dict())
    images = [
        torch.randint(0, 256, (3, 32, 48), dtype=torch.uint8) for _ in range(2)
    ]
    results = []
    for model in (plain, segmentor):
        samples = [SegDataSample(metainfo=META) for _ in images]
        with torch.no_grad():
            results.append(
                model.test_step(dict(inputs=images, data_samples=samples))
            )
    for image, before, after in zip(images, *results):
        prob = before.seg_logits.data.softmax(0)
        expected = dense_crf(prob, image.permute(1, 2, 0))
        refined = after.seg_logits.data.softmax(0)
        torch.testing.assert_close(refined, expected, atol=5e-3, rtol=0)
        assert (refined - prob).abs().max() > 0.05
        assert torch.equal(
            after.pred_sem_seg.data[0], after.seg_logits.data.argmax(0)
        )


def test_parameters_come_from_test_cfg():
    segmentor = build(
        **{
            'model.type': 'mmseg_da.CRFEncoderDecoder',
            'model.test_cfg.crf.num_iterations': 0,
        }
    )
    inputs = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        plain = segmentor.encode_decode(inputs, [META])
        untouched = segmentor.inference(inputs, [META])
        segmentor.crf.update(num_iterations=2, w1=9.0)
        refined = segmentor.inference(inputs, [META])
    torch.testing.assert_close(untouched, plain.log_softmax(1))
    assert (refined - untouched).abs().max() > 0.1


def test_image_without_normalization():
    segmentor = build(
        **{
            'model.type': 'mmseg_da.CRFEncoderDecoder',
            'model.data_preprocessor': dict(
                _delete_=True, type='SegDataPreProcessor', size_divisor=1
            ),
        }
    )
    image = torch.randint(0, 256, (1, 3, 4, 6)).float()
    assert torch.equal(segmentor._images(image), image.permute(0, 2, 3, 1))


@pytest.mark.parametrize(
    'key, value, found',
    [
        ('model.test_cfg.crf.w3', 1, "has the key 'w3'; expected one of w1"),
        ('model.test_cfg.crf.w1', -1, 'w1 of the dense CRF is -1'),
        ('model.decode_head.out_channels', 1, 'out_channels=1'),
    ],
)
def test_bad_settings(key, value, found):
    changes = {key: value}
    if 'out_channels' in key:
        changes['model.decode_head.num_classes'] = 2
    with pytest.raises(InputError) as error:
        build(**{'model.type': 'mmseg_da.CRFEncoderDecoder', **changes})
    assert found in str(error.value)

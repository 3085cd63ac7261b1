"""Segmentors of stock MMSegmentation adapt as they are."""

import math

import pytest
from mmengine.config import ConfigDict
from toy import NUM_CLASSES, clone, largest_difference, make_runner, toy_cfg

CE = dict(type='CrossEntropyLoss', loss_weight=0.0)
OHEM = dict(
    type='OhemCrossEntropy',
    thres=0.9,
    min_kept=100,
    loss_weight=0.0,
)
BN = dict(type='BN')


def head(**kwargs):
    defaults = dict(
        num_classes=NUM_CLASSES,
        dropout_ratio=0,
        norm_cfg=BN,
        align_corners=False,
        loss_decode=CE,
    )
    return dict(defaults, **kwargs)


def fcn(in_channels, in_index):
    return head(
        type='FCNHead',
        in_channels=in_channels,
        in_index=in_index,
        channels=8,
        num_convs=1,
        concat_input=False,
    )


# Narrow, and with source losses of weight 0: whatever moves was moved by the
# adversarial loss. `moved` names parameters at both ends of the network.
SEGMENTORS = dict(
    bisenetv2=dict(
        backbone=dict(
            type='BiSeNetV2',
            detail_channels=(8, 8, 16),
            semantic_channels=(4, 4, 8, 16),
            semantic_expansion_ratio=2,
            bga_channels=16,
        ),
        decode_head=fcn(16, 0),
        auxiliary_head=[
            fcn(channels, i + 1) for i, channels in enumerate((4, 4, 8, 16))
        ],
        moved=('backbone.detail.', 'decode_head.conv_seg.'),
    ),
    ddrnet=dict(
        backbone=dict(type='DDRNet', channels=4, ppm_channels=8),
        decode_head=head(
            type='DDRHead', in_channels=16, channels=8, loss_decode=[OHEM] * 2
        ),
        moved=('backbone.stem.', 'decode_head.conv_seg.'),
    ),
    pidnet=dict(
        backbone=dict(
            type='PIDNet',
            channels=4,
            ppm_channels=8,
            num_stem_blocks=1,
            num_branch_blocks=1,
        ),
        decode_head=head(
            type='PIDHead',
            in_channels=16,
            channels=8,
            loss_decode=[
                CE,
                OHEM,
                dict(type='BoundaryLoss', loss_weight=0.0),
                OHEM,
            ],
        ),
        moved=('backbone.stem.', 'decode_head.conv_seg.'),
    ),
    segformer=dict(
        backbone=dict(
            type='MixVisionTransformer',
            embed_dims=4,
            num_layers=[1, 1, 1, 1],
            num_heads=[1, 2, 2, 4],
            drop_path_rate=0.1,
        ),
        decode_head=head(
            type='SegformerHead',
            in_channels=[4, 8, 8, 16],
            in_index=[0, 1, 2, 3],
            channels=8,
        ),
        moved=('backbone.layers.0.', 'decode_head.conv_seg.'),
    ),
    deeplabv3plus=dict(
        backbone=dict(
            type='ResNetV1c',
            depth=18,
            base_channels=4,
            stem_channels=4,
            strides=(1, 2, 1, 1),
            dilations=(1, 1, 2, 4),
            norm_cfg=BN,
        ),
        decode_head=head(
            type='DepthwiseSeparableASPPHead',
            in_channels=32,
            in_index=3,
            channels=8,
            dilations=(1, 2, 3, 4),
            c1_in_channels=4,
            c1_channels=4,
            dropout_ratio=0.1,
        ),
        auxiliary_head=fcn(16, 2),
        moved=('backbone.stem.', 'decode_head.conv_seg.'),
    ),
    cascade=dict(
        type='CascadeEncoderDecoder',
        num_stages=2,
        backbone=dict(
            type='ResNet',
            depth=18,
            base_channels=4,
            stem_channels=4,
            norm_cfg=BN,
        ),
        decode_head=[
            fcn(32, 3),
            head(
                type='OCRHead',
                in_channels=32,
                in_index=3,
                channels=8,
                ocr_channels=8,
            ),
        ],
        moved=('backbone.conv1.', 'decode_head.1.conv_seg.'),
    ),
)


@pytest.mark.parametrize('name', SEGMENTORS)
def test_stock_segmentor_adapts_unchanged(tmp_path, name):
    model = dict(SEGMENTORS[name])
    moved = model.pop('moved')
    model = dict(
        dict(type='EncoderDecoder', train_cfg={}, test_cfg=dict(mode='whole')),
        data_preprocessor=toy_cfg().model.data_preprocessor,
        **model,
    )
    runner = make_runner(
        tmp_path,
        {
            'model': ConfigDict(model, _delete_=True),
            'train_cfg.max_iters': 2,
            'optim_wrapper.optimizer.weight_decay': 0,
        },
    )
    runner.train()
    start = runner.start.model
    ours = clone(runner.model.state_dict())
    for prefix in moved:
        difference = max(
            (ours[key] - start[key]).abs().max().item()
            for key in ours
            if key.startswith(prefix) and key.endswith('weight')
        )
        assert 0 < difference < math.inf, prefix
    losses = runner.message_hub.log_scalars['train/loss_adv'].data[0]
    assert len(losses) == 2
    assert all(0 < loss < math.inf for loss in losses)
    discriminator = runner.adversarial.discriminator.state_dict()
    difference = largest_difference(discriminator, runner.start.discriminator)
    assert 1e-4 < difference < 1

# BiSeNet-ResNet18 of the paper: 12,054,042 parameters at inference,
# 12,068,672 in training.
data_preprocessor = dict(
    type='SegDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255,
    # Not `size`: padding one domain to the other's size tells the
    # discriminator which is which.
    size_divisor=1,
)
norm_cfg = dict(type='BN', requires_grad=True)
loss_decode = dict(type='mmseg_da.CrossEntropyLoss')
model = dict(
    type='EncoderDecoder',
    data_preprocessor=data_preprocessor,
    # Everything outside the ResNet, whose own initialization follows.
    init_cfg=dict(
        type='Kaiming', layer='Conv2d', mode='fan_in', nonlinearity='relu'
    ),
    backbone=dict(
        type='mmseg_da.BiSeNet',
        context_path=dict(
            type='ResNet',
            depth=18,
            out_indices=(2, 3),
            norm_cfg=norm_cfg,
            init_cfg=dict(
                type='Pretrained', checkpoint='torchvision://resnet18'
            ),
        ),
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        type='mmseg_da.BiSeNetHead',
        in_channels=(256, 256, 512),
        channels=19,
        num_classes=19,
        dropout_ratio=0,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=loss_decode,
    ),
    auxiliary_head=[
        dict(
            type='FCNHead',
            in_index=in_index,
            in_channels=channels,
            channels=channels,
            num_convs=0,
            concat_input=False,
            dropout_ratio=0,
            num_classes=19,
            align_corners=False,
            loss_decode=loss_decode,
        )
        for in_index, channels in ((1, 256), (2, 512))
    ],
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)

# DeepLabV2-ResNet101 of the paper: 43,901,068 parameters, 373.7 G
# multiply-accumulates of the convolutions at 512x1024 (374.6 G counting
# BatchNorm as two a value, as fvcore does).
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
# The affine part is frozen, the running statistics are not.
norm_cfg = dict(type='BN', requires_grad=False)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='mmseg_da.DeepLabV2ResNet',
        depth=101,
        out_indices=(3,),
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        contract_dilation=False,
        # The stride sits in the first 1x1 of a block, as in DeepLab's
        # networks. torchvision's weights were trained with it in the 3x3;
        # with these strides one block differs.
        style='caffe',
        norm_cfg=norm_cfg,
        norm_eval=False,
        # A frozen scale of 0 would switch the blocks off for good when
        # training from scratch.
        zero_init_residual=False,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101'),
    ),
    decode_head=dict(
        type='mmseg_da.DeepLabV2Head',
        in_channels=2048,
        num_classes=19,
        dropout_ratio=0,
        align_corners=False,
        loss_decode=dict(type='mmseg_da.CrossEntropyLoss'),
    ),
    train_cfg=dict(),
    # The fully connected CRF after it, at test time:
    # --cfg-options model.type=mmseg_da.CRFEncoderDecoder
    test_cfg=dict(mode='whole'),
)

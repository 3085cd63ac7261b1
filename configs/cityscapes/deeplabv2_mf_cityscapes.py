# Table 1: DeepLabV2-R101, cross-entropy weighted by median frequency.
_base_ = './deeplabv2_ce_cityscapes.py'
model = dict(
    decode_head=dict(
        loss_decode=dict(class_weight='data/cityscapes/class_statistics.json')
    )
)

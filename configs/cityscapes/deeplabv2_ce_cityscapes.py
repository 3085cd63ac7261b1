# Table 1: DeepLabV2-R101 trained on Cityscapes itself.
_base_ = [
    '../_base_/models/deeplabv2_r101.py',
    '../_base_/sources/cityscapes.py',
    '../_base_/evaluation/cityscapes_val.py',
    '../_base_/schedules/deeplabv2_sgd.py',
    '../_base_/default_runtime.py',
]
# 50 epochs of 2,072 images in batches of 16.
train_cfg = dict(max_iters=6475)

# Table 1 (the oracle): BiSeNet-R18 trained on Cityscapes itself.
_base_ = [
    '../_base_/models/bisenet_r18.py',
    '../_base_/sources/cityscapes.py',
    '../_base_/evaluation/cityscapes_val.py',
    '../_base_/schedules/bisenet_sgd.py',
    '../_base_/default_runtime.py',
]
# 50 epochs of 2,072 images in batches of 16.
train_cfg = dict(max_iters=6475)

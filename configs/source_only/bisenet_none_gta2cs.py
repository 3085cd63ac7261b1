# Table 2, no augmentation: BiSeNet-R18 on GTA5, tested on Cityscapes val.
_base_ = [
    '../_base_/models/bisenet_r18.py',
    '../_base_/sources/gta5.py',
    '../_base_/evaluation/cityscapes_val.py',
    '../_base_/schedules/bisenet_sgd.py',
    '../_base_/default_runtime.py',
]

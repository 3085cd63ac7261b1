# The preliminary comparison before Table 2: horizontal flip, 10 epochs.
_base_ = './bisenet_flip_gta2cs.py'
# 10 epochs of 2,500 images in batches of 16.
train_cfg = dict(max_iters=1563)

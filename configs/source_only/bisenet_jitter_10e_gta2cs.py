# The preliminary comparison before Table 2: colour jitter, 10 epochs.
_base_ = './bisenet_jitter_gta2cs.py'
# 10 epochs of 2,500 images in batches of 16.
train_cfg = dict(max_iters=1563)

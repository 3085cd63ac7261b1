# The start of the methods beyond the paper: all of GTA5 in augmented crops of
# 512x512, batches of 8, 40,000 iterations; the last iterate counts. Not run.
_base_ = ['./bisenet_none_gta2cs.py', '../_base_/crops_512.py']
train_dataloader = dict(
    batch_size=8,
    dataset=dict(max_samples=None, pipeline=_base_.labelled_crops),
)
train_cfg = dict(max_iters=40000, val_interval=4000)
default_hooks = dict(checkpoint=dict(interval=4000, save_best=None))

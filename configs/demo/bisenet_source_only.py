# The demo without adaptation: the real config on rendered data, at 3/16 of
# its size, 300 iterations in batches of 4, from scratch.
_base_ = '../source_only/bisenet_jitter_gta2cs.py'
model = dict(backbone=dict(context_path=dict(init_cfg=None)))
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    pin_memory=False,  # which warns where there is no GPU
    dataset=dict(
        data_root='data/demo/gta5', img_scale=(240, 135), max_samples=None
    ),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(data_root='data/demo/cityscapes', img_scale=(192, 96)),
)
test_dataloader = val_dataloader
train_cfg = dict(max_iters=300, val_interval=300)
default_hooks = dict(
    logger=dict(interval=10), checkpoint=dict(interval=50, max_keep_ckpts=1)
)

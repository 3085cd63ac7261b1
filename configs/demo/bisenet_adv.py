# The paper's main config at 3/16 of its size: 300 iterations in batches of 4,
# from scratch, on the demo's rendered data.
_base_ = '../da/bisenet_adv_gta2cs.py'
model = dict(backbone=dict(context_path=dict(init_cfg=None)))
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    pin_memory=False,  # which warns where there is no GPU
    dataset=dict(
        data_root='data/demo/gta5', img_scale=(240, 135), max_samples=None
    ),
)
target = dict(data_root='data/demo/cityscapes', img_scale=(192, 96))
val_dataloader = dict(num_workers=1, dataset=target)
test_dataloader = val_dataloader
train_cfg = dict(max_iters=300, val_interval=300)
default_hooks = dict(
    logger=dict(interval=10),
    checkpoint=dict(interval=50, max_keep_ckpts=1),
    divergence=dict(window=100),
    adversarial=dict(target_dataloader=dict(pin_memory=False, dataset=target)),
)

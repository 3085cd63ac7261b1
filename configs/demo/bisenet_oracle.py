# The demo's oracle: trained on labelled images of the target domain.
_base_ = '../cityscapes/bisenet_ce_cityscapes.py'
model = dict(backbone=dict(context_path=dict(init_cfg=None)))
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    pin_memory=False,  # which warns where there is no GPU
    dataset=dict(
        data_root='data/demo/cityscapes',
        data_prefix=dict(
            img_path='leftImg8bit/train_labelled',
            seg_map_path='gtFine/train_labelled',
        ),
        img_scale=(192, 96),
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

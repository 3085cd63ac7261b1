# The demo's size: rendered data at 3/16 of the paper's size, 300 iterations in
# batches of 4, from scratch. The keys are those that a config takes over.
demo = dict(
    model=dict(backbone=dict(context_path=dict(init_cfg=None))),
    # pin_memory warns where there is no GPU.
    loader=dict(batch_size=4, num_workers=1, pin_memory=False),
    source=dict(data_root='data/demo/gta5', img_scale=(240, 135)),
    target=dict(data_root='data/demo/cityscapes', img_scale=(192, 96)),
    train_cfg=dict(max_iters=300, val_interval=300),
    default_hooks=dict(
        logger=dict(interval=10),
        checkpoint=dict(interval=50, max_keep_ckpts=1),
    ),
)

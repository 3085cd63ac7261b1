# Output-space adversarial adaptation to unlabelled Cityscapes train images.
adversarial = dict(
    type='mmseg_da.AdversarialHook',
    loss_weight=1e-3,
    discriminator=dict(type='mmseg_da.FCDiscriminator', in_channels=19),
    optim_wrapper=dict(
        optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.99))
    ),
    param_scheduler=dict(type='mmseg_da.PolyLR', power=0.9),
    target_dataloader=dict(
        pin_memory=True,
        dataset=dict(
            type='mmseg_da.CityscapesDataset',
            data_root='data/cityscapes',
            # Images only: no label file of the target is ever opened.
            data_prefix=dict(img_path='leftImg8bit/train'),
            img_scale=(1024, 512),
            # As many as the paper's; which ones it does not say.
            max_samples=2072,
            pipeline=[
                dict(type='mmseg_da.LoadImage'),
                dict(type='mmseg_da.ResizeToScale'),
                dict(type='PackSegInputs'),
            ],
        ),
    ),
)

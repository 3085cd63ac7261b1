# Cityscapes to ACDC (fog, night, rain and snow): the recipe of Table 3 with
# another source and another target. Not run.
_base_ = ['../da/bisenet_adv_gta2cs.py', '../_base_/targets/acdc.py']
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmseg_da.CityscapesDataset',
        data_root='data/cityscapes',
        data_prefix=dict(
            img_path='leftImg8bit/train', seg_map_path='gtFine/train'
        ),
        img_scale=(1024, 512),
        pipeline=_base_.train_dataloader.dataset.pipeline,
    )
)
default_hooks = dict(
    adversarial=dict(
        target_dataloader=dict(
            dataset=dict(
                _delete_=True,
                **_base_.acdc_target_dataset,
                pipeline=(
                    _base_.adversarial.target_dataloader.dataset.pipeline
                ),
            )
        )
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **_base_.acdc_val_dataset,
        pipeline=_base_.val_pipeline,
    )
)
test_dataloader = val_dataloader

# DACS (Tranheden et al., WACV 2021) with BiSeNet-R18 on all of GTA5. Not run.
_base_ = [
    '../source_only/bisenet_crops_gta2cs.py',
    '../_base_/targets/cityscapes.py',
    '../_base_/adaptation/dacs.py',
]
default_hooks = dict(
    adaptation=dict(
        type='mmseg_da.AdaptationHook',
        target_dataloader=dict(
            pin_memory=True,
            dataset=dict(
                _base_.cityscapes_target_dataset,
                max_samples=None,
                pipeline=_base_.unlabelled_crops,
            ),
        ),
        teacher=_base_.teacher,
        terms=dict(class_mix=_base_.class_mix),
    )
)

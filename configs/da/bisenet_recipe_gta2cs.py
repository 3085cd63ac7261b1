# The recipe with BiSeNet-R18 on all of GTA5 in crops of 512x512: class
# weights, and source classes pasted on target images. Not run.
_base_ = [
    '../source_only/bisenet_crops_gta2cs.py',
    '../_base_/targets/cityscapes.py',
    '../_base_/adaptation/recipe.py',
]
weights = dict(
    class_weight=dict(
        file='data/gta5/class_statistics.json', power=0.5, clip=(0.3, 4.0)
    )
)
model = dict(
    decode_head=dict(loss_decode=weights),
    auxiliary_head=[
        dict(head, loss_decode=dict(head['loss_decode'], **weights))
        for head in _base_.model.auxiliary_head
    ],
)
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
        terms=_base_.recipe,
    )
)

# The recipe, and the labels of a larger, well-adapted teacher, where it is
# sure, for the rest of the mixed image. Train the teacher first; any segmentor
# of the same classes will do. Not run.
_base_ = './bisenet_recipe_gta2cs.py'
default_hooks = dict(
    adaptation=dict(
        teacher=dict(
            type='mmseg_da.FrozenTeacher',
            config='configs/da/deeplabv2_adv_gta2cs.py',
            checkpoint='work_dirs/deeplabv2_adv_gta2cs/iter_15625.pth',
        ),
        terms=dict(class_mix=dict(pseudo_labels='pixel', threshold=0.8)),
    )
)

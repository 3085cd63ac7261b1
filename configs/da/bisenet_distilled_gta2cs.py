# The recipe with a larger, well-adapted teacher that stays as it is. Train
# the teacher first; any segmentor of the same classes will do. Not run.
_base_ = './bisenet_recipe_gta2cs.py'
default_hooks = dict(
    adaptation=dict(
        teacher=dict(
            _delete_=True,
            type='mmseg_da.FrozenTeacher',
            config='configs/da/deeplabv2_adv_gta2cs.py',
            checkpoint='work_dirs/deeplabv2_adv_gta2cs/iter_15625.pth',
        )
    )
)

# The control of the larger teacher: one of the student's own size, which the
# recipe trained.
_base_ = './larger-teacher.py'
default_hooks = dict(
    adaptation=dict(
        teacher=dict(
            config='configs/carla2camvid/bisenet_recipe_carla2camvid.py',
            checkpoint='work_dirs/bisenet_recipe_carla2camvid/iter_200.pth',
        )
    )
)

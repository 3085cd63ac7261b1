# The control of the larger teacher: one of the student's own size, which
# self-training trained.
_base_ = './larger-teacher.py'
default_hooks = dict(
    adaptation=dict(
        teacher=dict(
            config='configs/carla2camvid/bisenet_self-training_carla2camvid.py',
            checkpoint='work_dirs/bisenet_self-training_carla2camvid/iter_200.pth',
        )
    )
)

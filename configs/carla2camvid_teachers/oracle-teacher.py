# An upper bound: the teacher learnt the target's labels.
_base_ = './larger-teacher.py'
default_hooks = dict(
    adaptation=dict(
        teacher=dict(
            config='configs/carla2camvid/bisenet_oracle_carla2camvid.py',
            checkpoint='work_dirs/bisenet_oracle_carla2camvid/iter_500.pth',
        )
    )
)

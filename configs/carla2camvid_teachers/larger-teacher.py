# Self-training with pseudo-labels of the larger teacher, which stays as it is.
_base_ = '../carla2camvid/bisenet_self-training_carla2camvid.py'
default_hooks = dict(
    adaptation=dict(
        teacher=dict(
            _delete_=True,
            type='mmseg_da.FrozenTeacher',
            config='configs/carla2camvid_teachers/bisenet-r50_self-training.py',
            checkpoint='work_dirs/bisenet-r50_self-training/iter_200.pth',
        )
    )
)

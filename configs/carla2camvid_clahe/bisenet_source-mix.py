# The control of self-training: source classes pasted on source images.
_base_ = './bisenet_self-training.py'
default_hooks = dict(
    adaptation=dict(
        teacher=None,
        terms=dict(class_mix=dict(onto='source'), fourier=None),
    )
)

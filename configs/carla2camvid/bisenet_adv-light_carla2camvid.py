# The adversary with a discriminator of separable convolutions.
_base_ = './bisenet_adv_carla2camvid.py'
default_hooks = dict(
    adaptation=dict(
        terms=dict(adversarial=dict(discriminator=dict(separable=True)))
    )
)

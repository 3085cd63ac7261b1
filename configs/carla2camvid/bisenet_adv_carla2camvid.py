# The paper's method: output-space adversarial adaptation.
_base_ = [
    './bisenet_control_carla2camvid.py',
    '../_base_/adaptation/adversarial.py',
]
default_hooks = dict(
    adaptation=dict(
        terms=dict(
            entropy=None,
            adversarial=dict(
                type='mmseg_da.AdversarialTerm', **_base_.adversarial
            ),
        )
    )
)

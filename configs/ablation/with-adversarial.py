# And the adversarial term.
_base_ = [
    '../carla2camvid/bisenet_self-training_carla2camvid.py',
    '../_base_/adaptation/adversarial.py',
]
default_hooks = dict(
    adaptation=dict(
        terms=dict(
            adversarial=dict(
                _base_.adversarial, type='mmseg_da.AdversarialTerm'
            )
        )
    )
)

# And the paper's adversarial term.
_base_ = [
    '../demo/bisenet_adapted.py',
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

# The paper's method, with BatchNorm statistics of the target.
_base_ = ['./bisenet_adapted.py', '../_base_/adaptation/adversarial.py']
default_hooks = dict(
    adaptation=dict(
        teacher=None,
        terms=dict(
            masked=None,
            adversarial=dict(
                type='mmseg_da.AdversarialTerm', **_base_.adversarial
            ),
        ),
    )
)

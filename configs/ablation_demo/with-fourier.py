# And source images in the target's colours.
_base_ = '../demo/bisenet_adapted.py'
default_hooks = dict(
    adaptation=dict(
        terms=dict(fourier=dict(type='mmseg_da.FourierStyleTerm', beta=0.01))
    )
)

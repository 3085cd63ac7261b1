# The surest half of each class's pixels in place of a threshold (CBST).
_base_ = '../demo/bisenet_adapted.py'
default_hooks = dict(
    adaptation=dict(terms=dict(masked=dict(pseudo_labels='balanced')))
)

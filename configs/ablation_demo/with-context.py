# And source classes pasted on target images, which are context alone.
_base_ = '../demo/bisenet_adapted.py'
default_hooks = dict(
    adaptation=dict(
        terms=dict(
            class_mix=dict(type='mmseg_da.ClassMixTerm', pseudo_labels='none')
        )
    )
)

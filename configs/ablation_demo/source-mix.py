# Self-training with source classes pasted on source images: no target but for
# its colours and BatchNorm statistics.
_base_ = './self-training.py'
default_hooks = dict(
    adaptation=dict(terms=dict(class_mix=dict(onto='source')))
)

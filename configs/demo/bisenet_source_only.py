# The demo without adaptation: the real config at the demo's size.
_base_ = ['../source_only/bisenet_jitter_gta2cs.py', '../_base_/demo.py']
model = _base_.demo.model
train_dataloader = dict(
    dataset=dict(max_samples=None, **_base_.demo.source), **_base_.demo.loader
)
val_dataloader = dict(num_workers=1, dataset=_base_.demo.target)
test_dataloader = val_dataloader
train_cfg = _base_.demo.train_cfg
default_hooks = _base_.demo.default_hooks

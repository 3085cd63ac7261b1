# The demo's oracle: trained on labelled images of the target domain.
_base_ = ['../cityscapes/bisenet_ce_cityscapes.py', '../_base_/demo.py']
model = _base_.demo.model
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(
            img_path='leftImg8bit/train_labelled',
            seg_map_path='gtFine/train_labelled',
        ),
        **_base_.demo.target,
    ),
    **_base_.demo.loader,
)
val_dataloader = dict(num_workers=1, dataset=_base_.demo.target)
test_dataloader = val_dataloader
train_cfg = _base_.demo.train_cfg
default_hooks = _base_.demo.default_hooks

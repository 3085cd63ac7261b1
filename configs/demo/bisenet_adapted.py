# Adapted: masked target images with the labels of an EMA teacher, and
# BatchNorm statistics of the target.
_base_ = ['./bisenet_source-only.py', '../_base_/adaptation/masked.py']
default_hooks = dict(
    adaptation=dict(
        type='mmseg_da.AdaptationHook',
        target_dataloader=dict(dataset=_base_.demo_target_dataset),
        teacher=_base_.teacher,
        # A quarter of the blocks of full size, and no label for the hood.
        terms=dict(
            masked=dict(
                _base_.masked, block_size=16, ignore_margins=(0.0, 0.1)
            )
        ),
    ),
    adapt_bn=dict(type='mmseg_da.AdaptBNHook'),
)

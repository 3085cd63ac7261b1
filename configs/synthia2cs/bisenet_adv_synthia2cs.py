# SYNTHIA to Cityscapes: the training of Table 3 with another source. Not run.
_base_ = ['../da/bisenet_adv_gta2cs.py', '../_base_/sources/synthia.py']
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **_base_.synthia_dataset,
        max_samples=2500,
        pipeline=_base_.train_dataloader.dataset.pipeline,
    )
)
val_evaluator = dict(class_means=_base_.synthia_class_means)
test_evaluator = val_evaluator

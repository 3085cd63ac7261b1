# The recipe of carla2camvid; its target images are equalised too.
_base_ = '../carla2camvid/bisenet_recipe_carla2camvid.py'
train_dataloader = dict(dataset=dict(pipeline=_base_.clahe_labelled_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.clahe_evaluation_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.clahe_evaluation_pipeline))
default_hooks = dict(
    adaptation=dict(
        target_dataloader=dict(
            dataset=dict(pipeline=_base_.clahe_unlabelled_pipeline)
        )
    )
)

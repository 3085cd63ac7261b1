# The recipe of carla2camvid; its target images are equalised too.
_base_ = '../carla2camvid/bisenet_recipe_carla2camvid.py'
clahe = dict(type='CLAHE')
clahe_evaluation_pipeline = [
    *_base_.evaluation_pipeline[:2],
    clahe,
    *_base_.evaluation_pipeline[2:],
]
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            *_base_.labelled_pipeline[:-1],
            clahe,
            dict(type='PackSegInputs'),
        ]
    )
)
val_dataloader = dict(dataset=dict(pipeline=clahe_evaluation_pipeline))
test_dataloader = dict(dataset=dict(pipeline=clahe_evaluation_pipeline))
default_hooks = dict(
    adaptation=dict(
        target_dataloader=dict(
            dataset=dict(
                pipeline=[
                    *_base_.unlabelled_pipeline[:-1],
                    clahe,
                    dict(type='PackSegInputs'),
                ]
            )
        ),
    )
)

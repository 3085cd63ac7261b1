# The oracle: trained on the labels of CamVid's train images.
_base_ = './bisenet_source-only_carla2camvid.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        pipeline=_base_.labelled_pipeline,
        **_base_.camvid_train_dataset,
    )
)

# The oracle: trained on the labels of CamVid train.
_base_ = './bisenet_start_carla2camvid.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        pipeline=_base_.labelled_pipeline,
        **_base_.camvid_train_dataset,
    )
)
# From scratch, as long as the start and a row together.
train_cfg = dict(max_iters=500, val_interval=500)

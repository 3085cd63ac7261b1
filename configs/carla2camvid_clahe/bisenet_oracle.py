# The oracle: trained on the labels of CamVid train, from scratch, as long as
# the start and a row together.
_base_ = './bisenet_start.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        pipeline=_base_.clahe_labelled_pipeline,
        **_base_.camvid_train_dataset,
    )
)
train_cfg = dict(max_iters=500, val_interval=500)

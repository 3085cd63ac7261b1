# The oracle: trained on labels of the target, from scratch, as long as the
# start and a row together.
_base_ = './bisenet_start.py'
train_dataloader = dict(
    dataset=dict(_delete_=True, **_base_.demo_labelled_dataset)
)
train_cfg = dict(max_iters=700, val_interval=700)

# The start of all rows: every image, also in testing, has its local contrast
# equalised (CLAHE).
_base_ = '../carla2camvid/bisenet_start_carla2camvid.py'
train_dataloader = dict(dataset=dict(pipeline=_base_.clahe_labelled_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.clahe_evaluation_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.clahe_evaluation_pipeline))

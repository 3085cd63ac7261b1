# The oracle of carla2camvid, its images equalised.
_base_ = '../carla2camvid/bisenet_oracle_carla2camvid.py'
train_dataloader = dict(dataset=dict(pipeline=_base_.clahe_labelled_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.clahe_evaluation_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.clahe_evaluation_pipeline))

# The start of all rows: every image, also in testing, has its local contrast
# equalised (CLAHE).
_base_ = '../carla2camvid/bisenet_start_carla2camvid.py'
clahe = dict(type='CLAHE')
clahe_labelled_pipeline = [
    *_base_.labelled_pipeline[:-1],
    clahe,
    dict(type='PackSegInputs'),
]
# After the resize, and before the labels are loaded.
clahe_evaluation_pipeline = [
    *_base_.evaluation_pipeline[:2],
    clahe,
    *_base_.evaluation_pipeline[2:],
]
train_dataloader = dict(dataset=dict(pipeline=clahe_labelled_pipeline))
val_dataloader = dict(dataset=dict(pipeline=clahe_evaluation_pipeline))
test_dataloader = dict(dataset=dict(pipeline=clahe_evaluation_pipeline))

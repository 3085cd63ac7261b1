# The paper's protocol, beside cityscapes_val.py: labels are scored at the
# network's 1024x512, not at their full resolution.
eval_pipeline = [
    dict(type='mmseg_da.LoadImage'),
    # Before the resize, so that labels take the input's size.
    dict(type='mmseg_da.LoadTrainIds'),
    dict(type='mmseg_da.ResizeToScale'),
    dict(type='mmseg_da.EvaluateAtInputSize'),
    dict(type='PackSegInputs'),
]

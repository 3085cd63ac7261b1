# Table 3, scored as in the paper: on labels at 1024x512. These three lines
# are all that any other row needs for it.
_base_ = ['./bisenet_adv_gta2cs.py', '../_base_/evaluation/eval_1024x512.py']
val_dataloader = dict(dataset=dict(pipeline=_base_.eval_pipeline))
test_dataloader = val_dataloader

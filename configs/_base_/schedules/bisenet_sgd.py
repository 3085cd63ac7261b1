# SGD with the poly decay of the paper: lr0 * (1 - i/T)^0.9, T = max_iters.
_base_ = './iteration_hooks.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-2, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [dict(type='mmseg_da.PolyLR', power=0.9, by_epoch=False)]
# 50 epochs of 2,500 images in batches of 16; best checkpoint by mIoU.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=7813, val_interval=625)
default_hooks = dict(
    checkpoint=dict(interval=625, max_keep_ckpts=2, save_best='mIoU')
)

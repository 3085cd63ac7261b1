# Without adaptation: as long on the game as the other rows.
_base_ = './bisenet_start.py'
train_cfg = dict(max_iters=300, val_interval=300)
# About where the start's decay ends: 4e-3 * (300 / 700) ** 0.9.
optim_wrapper = dict(optimizer=dict(lr=1.866e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=20),
    dict(type='mmseg_da.PolyLR', power=0.9, by_epoch=False, begin=20),
]

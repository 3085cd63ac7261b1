# Without adaptation: as long on the game as the other rows.
_base_ = './bisenet_start.py'
train_cfg = dict(max_iters=300, val_interval=300)

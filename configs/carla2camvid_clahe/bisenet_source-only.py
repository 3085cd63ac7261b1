# Without adaptation: as long on CARLA as the other rows, from the same start.
_base_ = './bisenet_start.py'
train_cfg = dict(max_iters=200, val_interval=200)

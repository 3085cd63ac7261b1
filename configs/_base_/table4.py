# Table 4 but for the losses of its rows: Table 3 in batches of 4.
_base_ = '../da/bisenet_adv_gta2cs.py'
train_dataloader = dict(batch_size=4)
# 50 epochs of 2,500 images in batches of 4.
train_cfg = dict(max_iters=31250)

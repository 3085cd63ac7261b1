# BiSeNet's schedule with DeepLabV2's learning rate and weight decay.
_base_ = './bisenet_sgd.py'
optim_wrapper = dict(optimizer=dict(lr=1e-3, weight_decay=5e-4))

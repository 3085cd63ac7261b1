# What a ResNet-50 changes in the paper's BiSeNet: a larger teacher for
# BiSeNet-R18.
context_channels = (1024, 2048)
bisenet_r50 = dict(
    backbone=dict(
        context_path=dict(depth=50), context_channels=context_channels
    ),
    decode_head=dict(in_channels=(256, *context_channels)),
)

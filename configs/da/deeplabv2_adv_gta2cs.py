# Output-space adaptation of Tsai et al. (CVPR 2018), single level: their
# network, discriminator, lambda and image sizes, with the images, the
# augmentation, the batches and the epochs of Table 3. They train on all of
# GTA5 in batches of 1 at lr 2.5e-4, ten times that in the head.
_base_ = [
    '../source_only/deeplabv2_jitter_gta2cs.py',
    '../_base_/targets/cityscapes.py',
    '../_base_/adaptation/adversarial.py',
]
train_dataloader = dict(batch_size=8)
# 50 epochs of 2,500 images in batches of 8.
train_cfg = dict(max_iters=15625)
default_hooks = dict(
    adversarial=dict(
        type='mmseg_da.AdversarialHook',
        target_dataloader=dict(
            pin_memory=True, dataset=_base_.cityscapes_target_dataset
        ),
        **_base_.adversarial,
    )
)

# Table 3: BiSeNet-R18 with colour jitter on GTA5 (1280x720), adapted to
# Cityscapes (1024x512) by output-space adversarial training.
_base_ = [
    '../source_only/bisenet_jitter_gta2cs.py',
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

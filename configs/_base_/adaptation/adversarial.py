# Output-space adversarial adaptation of Tsai et al. (CVPR 2018), with the
# paper's constants: arguments of AdversarialHook, or of AdversarialTerm.
adversarial = dict(
    loss_weight=1e-3,
    discriminator=dict(type='mmseg_da.FCDiscriminator', in_channels=19),
    optim_wrapper=dict(
        optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.99))
    ),
    param_scheduler=dict(type='mmseg_da.PolyLR', power=0.9),
)

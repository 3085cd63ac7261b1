# Self-training for a network with BatchNorm: what is hidden of a target image
# has to be told from the rest (MIC, CVPR 2023). Source and target pass apart,
# each normalised by its own statistics; the teacher has the target's.
teacher = dict(type='mmseg_da.EMATeacher', momentum=0.99, batch_norm='target')
masked = dict(
    type='mmseg_da.MaskedConsistencyTerm',
    pseudo_labels='pixel',
    threshold=0.9,
    block_size=32,
    ratio=0.7,
    color_jitter=0.25,
    # At 1 the majority's labels cost rare classes.
    loss_weight=0.3,
)

# Source classes pasted on target images whose other pixels have an EMA
# teacher's labels where it is sure, and source images in the target's colours.
# Heads with class weights go with it.
teacher = dict(type='mmseg_da.EMATeacher', momentum=0.99, batch_norm='batch')
self_training = dict(
    class_mix=dict(
        type='mmseg_da.ClassMixTerm', pseudo_labels='pixel', threshold=0.8
    ),
    fourier=dict(type='mmseg_da.FourierStyleTerm', beta=0.03),
)

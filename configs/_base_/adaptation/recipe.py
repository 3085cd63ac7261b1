# Source classes pasted on target images, which are context alone. Heads with
# class weights go with it.
recipe = dict(
    class_mix=dict(type='mmseg_da.ClassMixTerm', pseudo_labels='none')
)

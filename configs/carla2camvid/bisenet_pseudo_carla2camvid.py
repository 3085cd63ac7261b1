# Source classes pasted on target images, whose other pixels have the labels
# of an EMA teacher where it is sure of them.
_base_ = './bisenet_recipe_carla2camvid.py'
default_hooks = dict(
    adaptation=dict(
        teacher=dict(type='mmseg_da.EMATeacher', momentum=0.99),
        terms=dict(class_mix=dict(pseudo_labels='pixel', threshold=0.9)),
    )
)

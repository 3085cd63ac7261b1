# The control of the mixing rows: source classes pasted on source images.
_base_ = './bisenet_recipe_carla2camvid.py'
default_hooks = dict(
    adaptation=dict(terms=dict(class_mix=dict(onto='source')))
)

# The control of the recipe: source classes pasted on source images.
_base_ = './bisenet_recipe.py'
default_hooks = dict(
    adaptation=dict(
        teacher=None,
        terms=dict(class_mix=dict(onto='source'), fourier=None),
    )
)

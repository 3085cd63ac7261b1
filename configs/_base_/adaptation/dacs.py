# DACS (Tranheden et al., WACV 2021): source classes are pasted on target
# images, which an EMA teacher labels; each image's pseudo-labels are weighted
# by the share of its pixels that the teacher is sure of.
teacher = dict(type='mmseg_da.EMATeacher', momentum=0.99, batch_norm='batch')
class_mix = dict(
    type='mmseg_da.ClassMixTerm',
    pseudo_labels='image',
    threshold=0.968,
    color_jitter=0.25,
)

# SYNTHIA-RAND-CITYSCAPES (RGB/ and GT/LABELS/), and the means that papers
# report on it: SYNTHIA lacks terrain, truck and train, and the mean over 13
# classes also leaves out wall, fence and pole.
synthia_dataset = dict(
    type='mmseg_da.SYNTHIADataset',
    data_root='data/synthia',
    img_scale=(1280, 760),
)
synthia_13_classes = [
    *('road', 'sidewalk', 'building', 'traffic light', 'traffic sign'),
    *('vegetation', 'sky', 'person', 'rider', 'car', 'bus'),
    *('motorcycle', 'bicycle'),
]
synthia_class_means = dict(
    mIoU16=[*synthia_13_classes, 'wall', 'fence', 'pole'],
    mIoU13=synthia_13_classes,
)

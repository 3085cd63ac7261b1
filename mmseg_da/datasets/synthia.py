from mmseg.datasets import CityscapesDataset as MMSegCityscapesDataset

from mmseg_da.datasets.declared_encoding import build_encoding
from mmseg_da.datasets.folder import FolderDataset
from mmseg_da.registry import DATASETS

#: SYNTHIA's ids to Cityscapes' classes. SYNTHIA has no terrain, truck and
#: train, and Cityscapes no road marking and parking slot.
SYNTHIA_IDS = {
    **dict.fromkeys((0, 13, 14, 16, 18, 20, 22), 255),
    **{1: 'sky', 2: 'building', 3: 'road', 4: 'sidewalk', 5: 'fence'},
    **{6: 'vegetation', 7: 'pole', 8: 'car', 9: 'traffic sign'},
    **{10: 'person', 11: 'bicycle', 12: 'motorcycle', 15: 'traffic light'},
    **{17: 'rider', 19: 'bus', 21: 'wall'},
}


@DATASETS.register_module()
class SYNTHIADataset(FolderDataset):
    """SYNTHIA-RAND-CITYSCAPES as shipped: ``RGB`` and ``GT/LABELS``.

    From Ros et al., CVPR 2016. A label PNG has three channels of 16 bits:
    the class in red, the instance in green. It is read as it is, in the 19
    classes of Cityscapes, of which SYNTHIA has 16.
    """

    METAINFO = MMSegCityscapesDataset.METAINFO
    DEFAULT_ENCODING = build_encoding(
        {'ids': SYNTHIA_IDS, 'channel': 'red'}, METAINFO['classes']
    )
    DATA_PREFIX = {'img_path': 'RGB', 'seg_map_path': 'GT/LABELS'}
    SUFFIXES = {'img_suffix': '.png', 'seg_map_suffix': '.png'}

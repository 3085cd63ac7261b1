"""SYNTHIA-RAND-CITYSCAPES (Ros et al. 2016)."""

from collections.abc import Mapping

from mmseg.datasets import CityscapesDataset as MMSegCityscapesDataset

from mmseg_da.datasets.declared_encoding import build_encoding
from mmseg_da.datasets.folder import FolderDataset
from mmseg_da.registry import DATASETS

#: SYNTHIA's ids to Cityscapes' classes. SYNTHIA has no terrain, truck and
#: train, and Cityscapes no road marking and parking slot.
SYNTHIA_IDS = {
    **dict.fromkeys((0, 13, 14, 16, 18, 20, 22), 255),
    1: 'sky',
    2: 'building',
    3: 'road',
    4: 'sidewalk',
    5: 'fence',
    6: 'vegetation',
    7: 'pole',
    8: 'car',
    9: 'traffic sign',
    10: 'person',
    11: 'bicycle',
    12: 'motorcycle',
    15: 'traffic light',
    17: 'rider',
    19: 'bus',
    21: 'wall',
}


@DATASETS.register_module()
class SYNTHIADataset(FolderDataset):
    """SYNTHIA-RAND-CITYSCAPES as shipped: ``RGB`` and ``GT/LABELS``.

    A label PNG has three channels of 16 bits: the class in red, the instance
    in green. It is read as it is, in the 19 classes of Cityscapes, of which
    SYNTHIA has 16.

    Args:
        data_prefix (dict, optional): As in :class:`FolderDataset`. Defaults
            to ``dict(img_path='RGB', seg_map_path='GT/LABELS')``.
        img_suffix (str): Defaults to '.png'.
        seg_map_suffix (str): Defaults to '.png'.
        **kwargs: As in :class:`FolderDataset`.
    """

    METAINFO = MMSegCityscapesDataset.METAINFO
    DEFAULT_ENCODING = build_encoding(
        {'ids': SYNTHIA_IDS, 'channel': 'red'}, METAINFO['classes']
    )

    def __init__(
        self,
        data_prefix: Mapping[str, str | None] | None = None,
        img_suffix: str = '.png',
        seg_map_suffix: str = '.png',
        **kwargs,
    ) -> None:
        if data_prefix is None:
            data_prefix = {'img_path': 'RGB', 'seg_map_path': 'GT/LABELS'}
        super().__init__(
            data_prefix=data_prefix,
            img_suffix=img_suffix,
            seg_map_suffix=seg_map_suffix,
            **kwargs,
        )

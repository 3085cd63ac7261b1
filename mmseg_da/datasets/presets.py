"""Published data sets as they are shipped, in the classes of Cityscapes."""

import os.path as osp
from collections.abc import Mapping, Sequence

from mmseg.datasets import CityscapesDataset as MMSegCityscapesDataset

from mmseg_da.datasets.encodings import UNCLEAR, build_encoding
from mmseg_da.datasets.folder import FolderDataset
from mmseg_da.datasets.listing import shorten
from mmseg_da.errors import InputError, wrong_value
from mmseg_da.registry import DATASETS

METAINFO = MMSegCityscapesDataset.METAINFO
CONDITIONS = ('fog', 'night', 'rain', 'snow')
#: SYNTHIA's ids to Cityscapes' classes. SYNTHIA has no terrain, truck and
#: train, and Cityscapes no road marking and parking slot.
SYNTHIA_IDS = {
    **dict.fromkeys((0, 13, 14, 16, 18, 20, 22), 255),
    **{1: 'sky', 2: 'building', 3: 'road', 4: 'sidewalk', 5: 'fence'},
    **{6: 'vegetation', 7: 'pole', 8: 'car', 9: 'traffic sign'},
    **{10: 'person', 11: 'bicycle', 12: 'motorcycle', 15: 'traffic light'},
    **{17: 'rider', 19: 'bus', 21: 'wall'},
}
ADVICE = (
    "put {} as the README shows, set the data set's data_root, or make the "
    'demo data with tools/dataset_converters/make_demo_data.py'
)


@DATASETS.register_module()
class GTA5Dataset(FolderDataset):
    """GTA5 as shipped: ``images/00001.png`` and ``labels/00001.png``.

    From "Playing for Data" (Richter et al., ECCV 2016). The labels may be
    the palette PNGs of the data set, their RGB conversions, or, with
    ``seg_map_suffix='_labelTrainIds.png'``, train ids.

    Args:
        ids (Sequence[int | str], optional): The frames to keep, as numbers
            or as file names without suffix. Defaults to None: all.
        **kwargs: As in :class:`FolderDataset`.
    """

    METAINFO = METAINFO
    DEFAULT_ENCODING = UNCLEAR
    DATA_PREFIX = {'img_path': 'images', 'seg_map_path': 'labels'}
    SUFFIXES = {'img_suffix': '.png', 'seg_map_suffix': '.png'}
    ADVICE = ADVICE.format('GTA5 under data/gta5')

    def __init__(
        self, *, ids: Sequence[int | str] | None = None, **kwargs
    ) -> None:
        if ids is not None and not isinstance(ids, (list, tuple)):
            raise wrong_value('ids', ids, 'a list of frames, or None for all')
        self.ids = ids
        super().__init__(**kwargs)

    def select(self, names: list[str]) -> list[str]:
        """Keep the frames of ``ids``."""
        if self.ids is None:
            return names
        found = {osp.basename(name): name for name in names}
        # Frame 7 is 00007.png.
        wanted = [f'{i:05d}' if isinstance(i, int) else i for i in self.ids]
        unknown = [i for i in wanted if i not in found]
        if unknown or not wanted:
            raise InputError(
                f'ids has {shorten(unknown) or "no frame"}, but '
                f"the frames in '{self.data_prefix['img_path']}' are "
                f'{shorten(found)}.'
            )
        return sorted({found[i] for i in wanted})


@DATASETS.register_module()
class CityscapesDataset(FolderDataset):
    """Cityscapes (Cordts et al., CVPR 2016) as shipped, not converted.

    The official ``*_gtFine_labelIds.png`` are read as they are;
    ``seg_map_suffix='_gtFine_labelTrainIds.png'`` reads converted ones.

    Args:
        data_prefix (dict): ``dict(img_path='leftImg8bit/train')`` for images
            without labels, and with ``seg_map_path='gtFine/train'`` for
            labelled ones.
        cities (Sequence[str], optional): The cities to keep. Defaults to
            None: all.
        **kwargs: As in :class:`FolderDataset`.
    """

    METAINFO = METAINFO
    DEFAULT_ENCODING = UNCLEAR
    SUFFIXES = {
        'img_suffix': '_leftImg8bit.png',
        'seg_map_suffix': '_gtFine_labelIds.png',
    }
    ADVICE = ADVICE.format('Cityscapes under data/cityscapes')

    def __init__(
        self,
        data_prefix: Mapping[str, str | None],
        cities: Sequence[str] | None = None,
        **kwargs,
    ) -> None:
        if data_prefix is None:
            # A default of all images would mix train and val.
            raise TypeError('data_prefix is None, but it needs img_path')
        self.cities = [cities] if isinstance(cities, str) else cities
        if cities is not None and not isinstance(self.cities, (list, tuple)):
            wanted = 'a list of names, or None for all'
            raise wrong_value('cities', cities, wanted)
        super().__init__(data_prefix, **kwargs)

    def select(self, names: list[str]) -> list[str]:
        """Keep the images of ``cities``."""
        if self.cities is None:
            return names
        # aachen/aachen_000000_000019
        city_of = {n: n.rsplit('/', 1)[-1].split('_')[0] for n in names}
        found = set(city_of.values())
        unknown = set(self.cities) - found
        if unknown or not self.cities:
            raise InputError(
                f'cities has {shorten(unknown) or "no city"}, '
                f"but the cities in '{self.data_prefix['img_path']}' are "
                f'{shorten(found, limit=30)}.'
            )
        return [name for name in names if city_of[name] in self.cities]


@DATASETS.register_module()
class SYNTHIADataset(FolderDataset):
    """SYNTHIA-RAND-CITYSCAPES as shipped: ``RGB`` and ``GT/LABELS``.

    From Ros et al., CVPR 2016. A label PNG has three channels of 16 bits:
    the class in red, the instance in green. It is read as it is, in the 19
    classes of Cityscapes, of which SYNTHIA has 16.
    """

    METAINFO = METAINFO
    DEFAULT_ENCODING = build_encoding(
        {'ids': SYNTHIA_IDS, 'channel': 'red'}, METAINFO['classes']
    )
    DATA_PREFIX = {'img_path': 'RGB', 'seg_map_path': 'GT/LABELS'}
    SUFFIXES = {'img_suffix': '.png', 'seg_map_suffix': '.png'}


@DATASETS.register_module()
class ACDCDataset(FolderDataset):
    """ACDC (Sakaridis et al., ICCV 2021) as shipped: fog, night, rain, snow.

    Images are ``rgb_anon/{fog,night,rain,snow}/{train,val,test}/*/
    *_rgb_anon.png``, labels ``gt/.../*_gt_labelTrainIds.png``. The reference
    images in fair weather (``*_ref``) lie in other folders. Without
    ``data_prefix`` the images are ``rgb_anon/*/train``, without labels; with
    labels add ``seg_map_path='gt/*/train'``.

    Args:
        conditions (Sequence[str], optional): The conditions to keep.
            Defaults to None: all four.
        **kwargs: As in :class:`FolderDataset`.
    """

    METAINFO = METAINFO
    DATA_PREFIX = {'img_path': 'rgb_anon/*/train'}
    SUFFIXES = {
        'img_suffix': '_rgb_anon.png',
        'seg_map_suffix': '_gt_labelTrainIds.png',
    }

    def __init__(
        self, *, conditions: Sequence[str] | None = None, **kwargs
    ) -> None:
        self.conditions = conditions
        if conditions is not None and (
            not isinstance(conditions, (list, tuple))
            or not conditions
            or not set(conditions) <= set(CONDITIONS)
        ):
            some = ', '.join(CONDITIONS)
            wanted = f'a list of some of {some}, or None for all'
            raise wrong_value('conditions', conditions, wanted)
        super().__init__(**kwargs)

    def select(self, names: list[str]) -> list[str]:
        """Keep the images of ``conditions``."""
        if self.conditions is None:
            return names
        # fog/GOPR0475/GOPR0475_frame_000041
        found = {name.split('/')[0] for name in names}
        missing = set(self.conditions) - found
        if missing:
            raise InputError(
                f"'{self.data_prefix['img_path']}' has no images of "
                f'{shorten(missing)}, but of {shorten(found)}: check '
                'data_prefix (rgb_anon/*/train) and conditions.'
            )
        return [n for n in names if n.split('/')[0] in self.conditions]

import os.path as osp
from collections.abc import Sequence

from mmseg.datasets import CityscapesDataset as MMSegCityscapesDataset

from mmseg_da.datasets.encodings import UNCLEAR
from mmseg_da.datasets.folder import FolderDataset
from mmseg_da.datasets.listing import shorten
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS


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

    METAINFO = MMSegCityscapesDataset.METAINFO
    DEFAULT_ENCODING = UNCLEAR
    DATA_PREFIX = {'img_path': 'images', 'seg_map_path': 'labels'}
    SUFFIXES = {'img_suffix': '.png', 'seg_map_suffix': '.png'}
    ADVICE = (
        "put GTA5 under data/gta5 as the README shows, set the data set's "
        'data_root, or make the demo data with '
        'tools/dataset_converters/make_demo_data.py'
    )

    def __init__(
        self, *, ids: Sequence[int | str] | None = None, **kwargs
    ) -> None:
        if ids is not None and not isinstance(ids, (list, tuple)):
            raise InputError(
                f'ids is {ids!r}, but it must be a list of frames, or None '
                'for all.'
            )
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
                f'ids has {shorten(unknown) if unknown else "no frame"}, but '
                f"the frames in '{self.data_prefix['img_path']}' are "
                f'{shorten(found)}.'
            )
        return sorted({found[i] for i in wanted})

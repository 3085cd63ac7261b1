from collections.abc import Sequence

from mmseg.datasets import CityscapesDataset as MMSegCityscapesDataset

from mmseg_da.datasets.folder import FolderDataset
from mmseg_da.datasets.listing import shorten
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS

CONDITIONS = ('fog', 'night', 'rain', 'snow')


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

    METAINFO = MMSegCityscapesDataset.METAINFO
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
            raise InputError(
                f'conditions is {conditions!r}, but it must be a list of '
                f'some of {", ".join(CONDITIONS)}, or None for all.'
            )
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

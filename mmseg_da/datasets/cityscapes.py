from collections.abc import Mapping, Sequence

from mmseg.datasets import CityscapesDataset as MMSegCityscapesDataset

from mmseg_da.datasets.encodings import UNCLEAR
from mmseg_da.datasets.folder import FolderDataset
from mmseg_da.datasets.listing import shorten
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS


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

    METAINFO = MMSegCityscapesDataset.METAINFO
    DEFAULT_ENCODING = UNCLEAR
    SUFFIXES = {
        'img_suffix': '_leftImg8bit.png',
        'seg_map_suffix': '_gtFine_labelIds.png',
    }
    ADVICE = (
        'put Cityscapes under data/cityscapes as the README shows, set the '
        "data set's data_root, or make the demo data with "
        'tools/dataset_converters/make_demo_data.py'
    )

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
            raise InputError(
                f'cities is {cities!r}, but it must be a list of names, or '
                'None for all.'
            )
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
                f'cities has {shorten(unknown) if unknown else "no city"}, '
                f"but the cities in '{self.data_prefix['img_path']}' are "
                f'{shorten(found, limit=30)}.'
            )
        return [name for name in names if city_of[name] in self.cities]

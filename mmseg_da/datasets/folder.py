import logging
import os.path as osp
from collections.abc import Mapping, Sequence

from mmcv.transforms import LoadAnnotations, LoadImageFromFile
from mmengine.logging import print_log
from mmseg.datasets import CityscapesDataset as _MMSegCityscapes

from mmseg_da.datasets.encodings import (
    build_encoding,
    check_classes,
    guess_encoding,
)
from mmseg_da.datasets.label_encoding import LabelEncoding
from mmseg_da.datasets.listing import (
    VIDEO_SUFFIXES,
    expand_path,
    find_files,
    find_images,
    folder_of,
    shorten,
)
from mmseg_da.datasets.resized import check_resized, read_manifest
from mmseg_da.datasets.seeded_dataset import SeededDataset
from mmseg_da.datasets.transforms.resizing import check_size
from mmseg_da.datasets.video import list_frames
from mmseg_da.errors import InputError, wrong_value
from mmseg_da.registry import DATASETS


def _warn(message: str) -> None:
    print_log(message, logger='current', level=logging.WARNING)


@DATASETS.register_module()
class FolderDataset(SeededDataset):
    """Images of any folder, with labels of any encoding or without.

    Images and labels pair by their names: the path inside of the folder
    without suffix, or what the wildcards of a pattern stand for. Without
    ``data_prefix.seg_map_path`` the data set is unlabelled: no label folder
    is ever looked at. Paths may begin with ``~`` and hold variables such as
    ``$HOME``. Labels are loaded by :class:`LoadTrainIds`.

    Args:
        data_prefix (dict): Where the images are (``img_path``: a folder,
            nested or flat, a pattern such as ``'*/camera/*.jpg'``, or,
            without labels, a video file) and where the labels are
            (``seg_map_path``: a folder or a pattern; absent or None:
            unlabelled). Defaults to ``dict(img_path='')``, all images in
            ``data_root``.
        label_encoding (str | dict, optional): What the label files hold:
            'train_ids' (numbers of classes and 255), 'label_ids'
            (Cityscapes'), 'colours' (those of ``metainfo.palette``), or a
            dict, also as a JSON file: ``ids=dict(...)`` from ids to classes
            (by name or number; 255 is ignored), with ``channel='red'`` where
            one channel of an RGB(A) file holds the ids, or
            ``colours=dict(...)`` from (red, green, blue) or '#rrggbb' to
            classes. Files have 8 or 16 bits. Defaults to None: what
            ``seg_map_suffix`` says, 'TrainIds' or 'labelIds'.
        img_suffix (str, optional): What the names of images end in.
            Defaults to None: any usual image format, in any case.
        seg_map_suffix (str, optional): What the names of labels end in.
            Defaults to None: '.png' in any case.
        metainfo (dict, optional): ``classes``, at most 254, and their
            ``palette``. Defaults to None: the 19 classes of Cityscapes.
        img_scale (tuple[int], optional): The (width, height) that
            :class:`ResizeToScale` in the pipeline brings samples to.
            Defaults to None.
        max_samples (int, optional): Keep that many samples, evenly spaced
            over the sorted names, as neighbours are near copies of each
            other. Defaults to None: all.
        pipeline (Sequence[dict]): The transforms. Defaults to ().
        **kwargs: As in :class:`SeededDataset` and in mmseg's
            ``BaseSegDataset``. ``ann_file`` is a list of names, one a line.

    Raises:
        InputError: Files are not there or do not pair, or an argument is
            wrong.

    Example:
        >>> FolderDataset(
        ...     data_prefix=dict(img_path='rgb', seg_map_path='tags'),
        ...     label_encoding=dict(ids={7: 'road', 0: 255}, channel='red'))
        >>> FolderDataset(data_prefix=dict(img_path='~/drive.mp4'))
    """

    METAINFO: dict = {}
    #: Where neither the preset nor the config names classes.
    DEFAULT_METAINFO = _MMSegCityscapes.METAINFO
    #: Layout of a preset, where the config names no other.
    DATA_PREFIX: dict = {'img_path': ''}
    SUFFIXES: dict = {'img_suffix': None, 'seg_map_suffix': None}
    ADVICE = (
        "set the data set's data_root and data_prefix.img_path to where the "
        'images are'
    )
    #: The encoding where neither config nor file names say one.
    DEFAULT_ENCODING: LabelEncoding | None = None

    def __init__(
        self,
        data_prefix: Mapping[str, str | None] | None = None,
        label_encoding: str | Mapping | None = None,
        metainfo: Mapping | None = None,
        img_scale: tuple[int, int] | None = None,
        max_samples: int | None = None,
        **kwargs,
    ) -> None:
        check_size(f'{type(self).__name__}.img_scale', img_scale)
        if max_samples is not None and not (
            isinstance(max_samples, int) and max_samples >= 1
        ):
            wanted = 'at least 1, or None for all samples'
            raise wrong_value('max_samples', max_samples, wanted)
        self.img_scale = img_scale
        self.max_samples = max_samples
        if not self.METAINFO:
            metainfo = check_classes(metainfo or self.DEFAULT_METAINFO)
        for key in ('data_root', 'ann_file'):
            if kwargs.get(key):
                kwargs[key] = expand_path(kwargs[key])
        super().__init__(
            data_prefix={
                key: expand_path(path)
                for key, path in (data_prefix or self.DATA_PREFIX).items()
                if path is not None
            },
            metainfo=metainfo,
            **{**self.SUFFIXES, **kwargs},
        )
        self._check_pipeline()
        if self.is_labelled:
            self.label_encoding = self._find_encoding(label_encoding)

    @property
    def is_labelled(self) -> bool:
        """Whether there are labels."""
        return 'seg_map_path' in self.data_prefix

    @property
    def is_video(self) -> bool:
        """Whether the images are the frames of a video file."""
        path = self.data_prefix.get('img_path', '')
        return path.lower().endswith(VIDEO_SUFFIXES) and osp.isfile(path)

    @property
    def all_classes(self) -> tuple[Sequence[str], Sequence]:
        """Names and colours of the classes that labels are decoded to.

        ``metainfo.classes`` may choose some of a preset's; the others are
        taken out afterwards.
        """
        meta = self.METAINFO or self.metainfo
        return meta['classes'], meta['palette']

    def _find_encoding(self, declared: str | Mapping | None) -> LabelEncoding:
        if declared is not None:
            return build_encoding(declared, *self.all_classes)
        guess = guess_encoding(self.seg_map_suffix or '', *self.all_classes)
        guess = guess or self.DEFAULT_ENCODING
        if guess is None:
            raise InputError(
                f'{type(self).__name__} has labels in '
                f"'{self.data_prefix.get('seg_map_path')}', but nothing says "
                "what they hold: set label_encoding to 'train_ids', "
                "'label_ids', 'colours', or to a dict with ids or colours."
            )
        return guess

    def select(self, names: list[str]) -> list[str]:
        """Keep some of the names; for subclasses."""
        return names

    def load_data_list(self) -> list[dict]:
        """Find the samples; one listing of each folder, nothing opened.

        A resized copy is checked against the files that it was made of.
        """
        classes = self.all_classes[0] if self.is_labelled else ()
        check_resized(self.data_root, self.img_scale, classes)
        samples, missing = self.find_samples()
        if shortage := self.find_shortage():
            _warn(shortage)
        if not missing:
            return samples
        finding = (
            f'{missing[0]["img_path"]} has no label '
            f'{missing[0]["seg_map_path"]} ({len(missing)} of {len(samples)} '
            'labels are missing)'
        )
        # Without any label the folder or the suffix is wrong.
        if not self._skips or len(missing) == len(samples):
            raise InputError(
                f'{finding}: add it, check seg_map_suffix, or leave the '
                'image out with ann_file; labels there have the names '
                f'{shorten(self._label_names, 3) or "(none)"}.'
            )
        _warn(f'Skipped {len(missing)} samples: {finding}.')
        without = {sample['img_path'] for sample in missing}
        return [s for s in samples if s['img_path'] not in without]

    def get_data_info(self, idx: int) -> dict:
        """Get a sample's paths, and what its label holds."""
        info = super().get_data_info(idx)
        if self.is_labelled:
            # Not stored, as a copy per sample would take the most memory.
            info['label_encoding'] = self.label_encoding
        return info

    def find_shortage(self) -> str | None:
        """Say in a sentence if there are fewer images than were asked for.

        Only after :meth:`find_samples`.
        """
        found, wanted = self.num_available, self.max_samples
        manifest = read_manifest(self.data_root)
        kept, total = (manifest.get(k, 0) for k in ('samples', 'available'))
        if wanted is not None and found < wanted:
            finding = f'max_samples is {wanted:,}, but there are {found:,} '
        elif wanted is None and kept < total:
            finding = f'the resized copy was made with {kept:,} of {total:,} '
        else:
            return None
        path = self.data_prefix.get('img_path')
        return f"{type(self).__name__} in '{path}': {finding}images."

    def find_samples(self) -> tuple[list[dict], list[dict]]:
        """Find all samples, and those of them whose label file is missing.

        Raises:
            InputError: Folder, images or list are not there.
        """
        path = self.data_prefix.get('img_path', '')
        if self.is_video:
            infos = list_frames(path)
        else:
            where = self.img_suffix, self.ann_file, self.backend_args
            files = find_images(path, *where, self.ADVICE)
            infos = {name: {'img_path': file} for name, file in files.items()}
        names = self.select(list(infos))
        self.num_available = len(names)
        if self.max_samples is not None and self.max_samples < len(names):
            total, kept = len(names), self.max_samples
            names = [names[i * total // kept] for i in range(kept)]
        common = {
            'label_map': self.label_map,
            'img_scale': self.img_scale,
            'reduce_zero_label': self.reduce_zero_label,
        }
        samples = [{**infos[n], **common, 'seg_fields': []} for n in names]
        if not self.is_labelled:
            return samples, []
        path = self.data_prefix['seg_map_path']
        folder, suffix = folder_of(path), self.seg_map_suffix
        no_folder = (
            f"The data set looked for labels in '{folder}', which is not a "
            'folder: check data_root and data_prefix.seg_map_path (None for '
            'images without labels).'
        )
        where = path, suffix or ('.png',), self.backend_args
        labels = find_files(*where, no_folder)
        self._label_names, missing = list(labels), []
        for name, sample in zip(names, samples):
            file = labels.get(name)
            if file is None:
                file = osp.join(folder, name + (suffix or '.png'))
                missing.append(sample)
            sample['seg_map_path'] = file
        return samples, missing

    def _check_pipeline(self) -> None:
        name, steps = type(self).__name__, self.pipeline.transforms
        if not self.is_labelled and any(
            isinstance(step, LoadAnnotations) for step in steps
        ):
            raise InputError(
                f'{name} has no data_prefix.seg_map_path, but its pipeline '
                'loads labels: set it to the folder of the labels, or take '
                'the transform out.'
            )
        if not self.is_video:
            return
        if self.ann_file:
            raise InputError(
                f'{name} has a video and ann_file, which chooses among files: '
                'leave ann_file out, or write the frames as images.'
            )
        if self.is_labelled:
            raise InputError(
                f'{name} has a video and data_prefix.seg_map_path, but a '
                'video has no labels: set it to None, or write the frames as '
                'images.'
            )
        if any(type(step) is LoadImageFromFile for step in steps):
            raise InputError(
                f'{name} has a video, but its pipeline has LoadImageFromFile: '
                'use mmseg_da.LoadImage.'
            )

"""What the two domains' data sets share."""

import logging
import os.path as osp
from collections.abc import Iterable
from functools import cached_property

import mmengine
import mmengine.fileio as fileio
import torch
from mmcv.transforms import LoadAnnotations
from mmengine.dist import get_rank
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset
from mmseg.datasets import CityscapesDataset as _MMSegCityscapes

from mmseg_da.datasets.encodings import build_encoding, guess_encoding
from mmseg_da.datasets.label_encoding import LabelEncoding
from mmseg_da.datasets.listing import expand_path, list_files, shorten
from mmseg_da.datasets.resized import check_resized, count_copied
from mmseg_da.datasets.samplers import SeededIndex, mix_seed
from mmseg_da.datasets.seeding import seeded
from mmseg_da.datasets.transforms._check import check_size
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS

_WHERE_DATA_GOES = (
    'put GTA5 under data/gta5 and Cityscapes under data/cityscapes as the '
    "README shows, set the data set's data_root, or make the demo data with "
    'tools/dataset_converters/make_demo_data.py'
)


@DATASETS.register_module()
class DomainDataset(BaseSegDataset):
    """A data set of one domain, in Cityscapes' 19 classes.

    Labels are loaded by :class:`LoadTrainIds`. Without
    ``data_prefix.seg_map_path`` the data set is unlabelled: no label folder
    is ever looked at. Paths may begin with ``~`` and hold variables such as
    ``$HOME``.

    Args:
        data_prefix (dict): The folders of the images (``img_path``) and of
            the labels (``seg_map_path``; absent or None: unlabelled).
        img_scale (tuple[int], optional): The (width, height) that
            :class:`ResizeToScale` in the pipeline brings samples to.
            Defaults to None.
        max_samples (int, optional): Keep that many samples, evenly spaced
            over the sorted names: files are sorted by city and drive, so
            the first ones would be near copies of each other, and a random
            choice would hang on a seed. Defaults to None: all.
        skip_bad_samples (bool): In training, leave out images without a
            label file, and log and count an unusable sample and take
            another, instead of stopping. The count is that of all workers of
            a rank, since its start. Evaluation always stops. Defaults to
            False.
        label_encoding (str | dict, optional): What the ids and colours of
            the label files mean, see
            :func:`~mmseg_da.datasets.encodings.build_encoding`. Defaults to
            None: the encoding that ``seg_map_suffix`` names ('TrainIds' or
            'labelIds', in any spelling); without such a name label ids, or
            the colours of a palette that contradicts them.
        pipeline (Sequence[dict]): The transforms. Defaults to ().
        **kwargs: As in mmseg's ``BaseSegDataset``.

    Raises:
        InputError: Folder, images, labels or list are not there.
    """

    METAINFO = _MMSegCityscapes.METAINFO

    def __init__(
        self,
        data_prefix: dict,
        img_scale: tuple[int, int] | None = None,
        max_samples: int | None = None,
        skip_bad_samples: bool = False,
        label_encoding: str | dict | None = None,
        pipeline: Iterable = (),
        **kwargs,
    ) -> None:
        if img_scale is not None:
            check_size(f'{type(self).__name__}.img_scale', img_scale)
        if max_samples is not None and not (
            isinstance(max_samples, int) and max_samples >= 1
        ):
            raise InputError(
                f'max_samples is {max_samples!r}, but it must be at least 1, '
                'or None for all samples.'
            )
        self.img_scale = img_scale
        self.max_samples = max_samples
        self.skip_bad_samples = skip_bad_samples
        self.bad_samples: dict[str, str] = {}
        self._last_seed: int | None = None
        self._encoding_spec = label_encoding
        for key in ('data_root', 'ann_file'):
            if kwargs.get(key):
                kwargs[key] = expand_path(kwargs[key])
        super().__init__(
            data_prefix={
                key: expand_path(path)
                for key, path in data_prefix.items()
                if path is not None
            },
            pipeline=list(pipeline),
            **kwargs,
        )
        # A wrong declaration ends here, not in a worker.
        self.label_encoding  # noqa: B018
        if 'seg_map_path' not in self.data_prefix and any(
            isinstance(t, LoadAnnotations) for t in self.pipeline.transforms
        ):
            raise InputError(
                f'{type(self).__name__} has no data_prefix.seg_map_path, but '
                'its pipeline loads labels: set it to the folder of the '
                'labels, or take the transform out.'
            )

    @cached_property
    def label_encoding(self) -> LabelEncoding:
        """What the ids and colours of the label files mean."""
        if self._encoding_spec is None:
            return guess_encoding(self.seg_map_suffix)
        meta = self.METAINFO
        return build_encoding(
            self._encoding_spec, meta['classes'], meta['palette']
        )

    @property
    def _skips(self) -> bool:
        return self.skip_bad_samples and not self.test_mode

    def select(self, names: list[str]) -> list[str]:
        """Keep some of the names; for subclasses."""
        return names

    def load_data_list(self) -> list[dict]:
        """Find the samples; one listing of each folder, nothing opened.

        A resized copy is checked against the files that it was made of.
        """
        check_resized(self.data_root, self.img_scale)
        samples, missing = self.find_samples()
        shortage = self.find_shortage()
        if shortage:
            print_log(shortage, logger='current', level=logging.WARNING)
        if not missing:
            return samples
        finding = (
            f'{missing[0]["img_path"]} has no label '
            f'{missing[0]["seg_map_path"]} ({len(missing)} of {len(samples)} '
            'labels are missing)'
        )
        # Without any label it is the folder or the suffix that is wrong.
        if not self._skips or len(missing) == len(samples):
            raise InputError(
                f'{finding}: add it, check seg_map_suffix, or leave the '
                'image out with ann_file.'
            )
        print_log(
            f'Skipped {len(missing)} samples: {finding}.',
            logger='current',
            level=logging.WARNING,
        )
        without = {sample['img_path'] for sample in missing}
        return [s for s in samples if s['img_path'] not in without]

    def find_shortage(self) -> str | None:
        """Tell whether there are fewer images than were asked for.

        Returns:
            str, optional: A sentence with the numbers. Only after
            :meth:`find_samples`.
        """
        found, wanted = self.num_available, self.max_samples
        copied = count_copied(self.data_root)
        if wanted is not None and found < wanted:
            finding = f'max_samples is {wanted:,}, but there are {found:,}'
        elif wanted is None and copied and copied[0] < copied[1]:
            finding = (
                f'the resized copy was made with {copied[0]:,} of '
                f'{copied[1]:,}'
            )
        else:
            return None
        return (
            f'{type(self).__name__} uses {found:,} images of '
            f"'{self.data_prefix.get('img_path')}': {finding}."
        )

    def full_init(self) -> None:
        """List the samples, and make room for what workers find bad."""
        if self._fully_initialized:
            return
        super().full_init()
        if self._skips:
            # In memory that worker processes share.
            self._is_bad = torch.zeros(len(self), dtype=torch.bool)
            self._is_bad.share_memory_()
            # Here: a worker that was not forked knows no rank.
            self._rank = get_rank()

    def find_samples(self) -> tuple[list[dict], list[dict]]:
        """Find the samples, those without a label file too.

        Returns:
            tuple[list[dict], list[dict]]: All samples, and those of them
            whose label is missing.

        Raises:
            InputError: Folder, images or list are not there.
        """
        img_dir = self.data_prefix.get('img_path', '')
        names = self._names(img_dir)
        self.num_available = len(names)
        if self.max_samples is not None and self.max_samples < len(names):
            total, kept = len(names), self.max_samples
            names = [names[i * total // kept] for i in range(kept)]
        ann_dir = self.data_prefix.get('seg_map_path')
        samples = [self._data_info(name, img_dir, ann_dir) for name in names]
        if ann_dir is None:
            return samples, []
        labels = self._label_names(ann_dir)
        missing = [s for n, s in zip(names, samples) if n not in labels]
        return samples, missing

    def _data_info(self, name: str, img_dir: str, ann_dir: str | None) -> dict:
        info = {
            'img_path': osp.join(img_dir, name + self.img_suffix),
            'label_map': self.label_map,
            'img_scale': self.img_scale,
            'label_encoding': self.label_encoding,
            'reduce_zero_label': self.reduce_zero_label,
            'seg_fields': [],
        }
        if self.img_scale is not None:
            info['scale'] = tuple(self.img_scale)
        if ann_dir is not None:
            info['seg_map_path'] = osp.join(
                ann_dir, name + self.seg_map_suffix
            )
        return info

    def _names(self, img_dir: str) -> list[str]:
        if not fileio.isdir(img_dir, backend_args=self.backend_args):
            raise InputError(
                f"{type(self).__name__} looked for images in '{img_dir}', "
                f'which is not a folder: {_WHERE_DATA_GOES}.'
            )
        names = list_files(img_dir, self.img_suffix, self.backend_args)
        if not names:
            raise InputError(
                f"{type(self).__name__} found no file '*{self.img_suffix}' "
                f"in '{img_dir}' or its subfolders: check the layout "
                f'(data_prefix.img_path) and img_suffix, or '
                f'{_WHERE_DATA_GOES}.'
            )
        listed = self._listed() if self.ann_file else None
        if listed is not None:
            missing = set(listed) - names
            if missing:
                raise InputError(
                    f"ann_file '{self.ann_file}' names {shorten(missing)}, "
                    f"but '{img_dir}' has no such '*{self.img_suffix}'."
                )
        return self.select(sorted(names if listed is None else listed))

    def _listed(self) -> list[str]:
        try:
            lines = mmengine.list_from_file(
                self.ann_file,
                # Some editors begin a file with a byte-order mark.
                encoding='utf-8-sig',
                backend_args=self.backend_args,
            )
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"ann_file '{self.ann_file}' cannot be read as a list of "
                f'image names ({type(error).__name__}): give a text file '
                'with a name per line, without suffix.'
            ) from error
        names = [line.strip() for line in lines]
        names = [n.removesuffix(self.img_suffix) for n in names if n]
        if not names:
            raise InputError(
                f"ann_file '{self.ann_file}' is empty: give an image name "
                'per line, without suffix.'
            )
        return list(dict.fromkeys(names))

    def _label_names(self, ann_dir: str) -> set[str]:
        if not fileio.isdir(ann_dir, backend_args=self.backend_args):
            raise InputError(
                f"{type(self).__name__} looked for labels in '{ann_dir}', "
                'which is not a folder: check data_root and '
                'data_prefix.seg_map_path (None for images without labels).'
            )
        return list_files(ann_dir, self.seg_map_suffix, self.backend_args)

    def prepare_data(self, idx: int) -> dict | None:
        """Run the pipeline on a sample.

        With an index from this package's :class:`InfiniteSampler` the random
        generators are seeded for the sample and restored afterwards.

        Args:
            idx (int): The index, a :class:`SeededIndex` or any other.

        Returns:
            dict or None: The sample; None if it is unusable and skipped.
        """
        self._last_seed = getattr(idx, 'seed', None)
        try:
            if self._last_seed is None:
                return super().prepare_data(idx)
            with seeded(self._last_seed):
                return super().prepare_data(int(idx))
        except InputError as error:
            if not self._skips:
                raise
            self._note_bad_sample(int(idx), str(error))
            return None

    def _note_bad_sample(self, idx: int, finding: str) -> None:
        path = self.get_data_info(idx)['img_path']
        self.bad_samples[path] = finding
        is_known = bool(self._is_bad[idx])
        self._is_bad[idx] = True
        count = int(self._is_bad.sum())
        if count == len(self):
            raise InputError(
                f'All {len(self)} samples are unusable; the last: {finding}'
            )
        if is_known:
            return
        print_log(
            f'Skipped sample {path} ({count} of {len(self)} bad so far on '
            f'rank {self._rank}): {finding}',
            logger='current',
            # MMEngine's logger prints nothing less on ranks above 0.
            level=logging.ERROR if self._rank else logging.WARNING,
        )

    def _rand_another(self) -> int:
        """The sample taken instead of one whose pipeline gave None.

        It follows from the seed of that one, so that the stream stays the
        same for any number of workers.
        """
        if self._last_seed is None:
            return super()._rand_another()
        seed = mix_seed(self._last_seed, 1)
        return SeededIndex(seed % len(self), seed)

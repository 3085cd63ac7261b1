"""Frames of a video file as images."""

import os
from functools import lru_cache

import cv2
import numpy as np

from mmseg_da.errors import InputError, UnreadableFileError


def list_frames(path: str) -> dict[str, dict]:
    """List a video's frames as samples (``img_path``, ``frame``) by number.

    Raises:
        InputError: The video, or its first or last frame, cannot be decoded.
    """
    declared = int(_open(path).get(cv2.CAP_PROP_FRAME_COUNT))
    # Some containers declare a few frames more than they hold.
    for count in range(declared, max(0, declared - 30), -1):
        try:
            read_frame(path, 0)
            read_frame(path, count - 1)
        except UnreadableFileError:
            continue
        return {
            f'{index:06d}': {'img_path': path, 'frame': index}
            for index in range(count)
        }
    raise InputError(
        f'The video {path} cannot be decoded: write its frames as images '
        "into a folder ('ffmpeg -i VIDEO FOLDER/%06d.png') and give the "
        'folder.'
    )


def read_frame(path: str, index: int) -> np.ndarray:
    """Read a frame, counted from 0, as BGR of uint8 ``(H, W, 3)``.

    Each process keeps the video open.

    Raises:
        UnreadableFileError: The frame cannot be decoded.
    """
    video = _open(path)
    # Seeking decodes from the last key frame on.
    if int(video.get(cv2.CAP_PROP_POS_FRAMES)) != index:
        video.set(cv2.CAP_PROP_POS_FRAMES, index)
    is_read, frame = video.read()
    if not is_read:
        raise UnreadableFileError(
            f'Frame {index} of the video {path} cannot be decoded: write the '
            'frames as images, or train with skip_bad_samples=True.'
        )
    return frame


def _open(path: str) -> cv2.VideoCapture:
    # A forked worker must not share the position in the file, and a file may
    # be replaced.
    return _open_once(path, os.getpid(), os.stat(path).st_mtime_ns)


@lru_cache(maxsize=4)
def _open_once(path: str, process: int, changed: int) -> cv2.VideoCapture:
    return cv2.VideoCapture(path)

"""A file backend after which every file is the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend

from ..utils.files import atomic_path

SAFE_BACKEND = 'mmseg_da.SafeLocalBackend'


class SafeLocalBackend(LocalBackend):
    """MMEngine's local files, whole whenever the process is killed.

    ``put`` replaces a file at once, and ``remove`` only notes what is to go:
    :meth:`remove_obsolete` does it, when what replaces it is on the disk.
    """

    def __init__(self) -> None:
        self.obsolete: list[str] = []

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write a file that is never seen half written."""
        with atomic_path(filepath) as partial, partial.open('wb') as file:
            file.write(obj)
            file.flush()
            # Before the name, so that a power cut leaves no empty file.
            os.fsync(file.fileno())

    def remove(self, filepath: Union[str, Path]) -> None:
        """Note a file as obsolete."""
        self.obsolete.append(str(filepath))

    def remove_obsolete(self) -> None:
        """Delete the noted files."""
        while self.obsolete:
            Path(self.obsolete.pop()).unlink(missing_ok=True)


register_backend(SAFE_BACKEND, SafeLocalBackend, force=True)

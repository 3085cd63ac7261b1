"""A file backend after which every file is the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend

from ..errors import InputError
from ..utils.files import atomic_path

SAFE_BACKEND = 'mmseg_da.SafeLocalBackend'


class SafeLocalBackend(LocalBackend):
    """MMEngine's local files, whole whenever the process is killed.

    ``put`` replaces a file at once, and ``remove`` only notes what is to go:
    :meth:`remove_obsolete` does it, when what replaces it is on the disk.
    What goes may be named by a checkpoint that is not to be trusted: only
    files go that lie in the run's folder itself, and never a folder.
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

    def rmtree(self, dir_path: Union[str, Path]) -> None:
        """Refuse to delete a folder.

        Raises:
            InputError: Always.
        """
        raise InputError(
            f'{dir_path} is a folder where a checkpoint file was expected, '
            'and is not deleted: move it elsewhere.'
        )

    def remove_obsolete(self, folder: Union[str, Path]) -> None:
        """Delete the noted files, and forget those that may not go.

        Args:
            folder (str | Path): Where the run writes its checkpoints.
        """
        while self.obsolete:
            path = Path(self.obsolete.pop())
            if is_file_in(path, folder):
                path.unlink()


def is_file_in(path: Union[str, Path], folder: Union[str, Path]) -> bool:
    """Whether a path is a file that lies in the folder itself."""
    path = Path(path)
    # The parent alone is resolved: of a link, the link would be deleted.
    inside = path.parent.resolve() == Path(folder).resolve()
    return inside and path.is_file()


register_backend(SAFE_BACKEND, SafeLocalBackend, force=True)

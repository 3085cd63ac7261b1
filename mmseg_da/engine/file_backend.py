"""A file backend that never leaves a file half written."""

import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmseg_da.errors import InputError
from mmseg_da.utils.files import atomic_path

SAFE_BACKEND = 'mmseg_da.SafeLocalBackend'


@register_backend(SAFE_BACKEND, force=True)
class SafeLocalBackend(LocalBackend):
    """MMEngine's local files, safe against a killed process.

    ``put`` replaces a file at once. ``remove`` only notes the file:
    :meth:`remove_obsolete` deletes it after its successor is on the disk. A
    checkpoint may name files to delete, and may come from anybody, so only
    files directly in the run's folder are deleted, and never a folder.
    """

    def __init__(self) -> None:
        self.obsolete: list[str] = []

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file as a whole, or not at all."""
        with atomic_path(filepath) as partial, partial.open('wb') as file:
            file.write(obj)
            file.flush()
            # Before the renaming, so that a power cut leaves no empty file.
            os.fsync(file.fileno())

    def remove(self, filepath: str | Path) -> None:
        """Note a file as obsolete."""
        self.obsolete.append(str(filepath))

    def rmtree(self, dir_path: str | Path) -> None:
        """Refuse to delete a folder."""
        raise InputError(
            f'{dir_path} is a folder where a checkpoint file was expected, '
            'and is not deleted: move it elsewhere.'
        )

    def remove_obsolete(self, folder: str | Path) -> None:
        """Delete the noted files in the run's folder, forget the others."""
        while self.obsolete:
            path = Path(self.obsolete.pop())
            # Only the parent is resolved, so that of a link the link goes.
            inside = path.parent.resolve() == Path(folder).resolve()
            if inside and path.is_file():
                path.unlink()

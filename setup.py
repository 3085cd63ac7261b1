"""Wheels carry what lies beside the package; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithMim(build_py):
    """Copy configs, tools and the model index to ``mmseg_da/.mim``.

    OpenMMLab's packages keep them there, and ``mim`` looks for them there. An
    editable install uses those of the checkout.
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        mim = Path(self.build_lib, 'mmseg_da/.mim')
        shutil.rmtree(mim, ignore_errors=True)
        for name in ('configs', 'tools'):
            ignore = shutil.ignore_patterns('__pycache__')
            shutil.copytree(name, mim / name, ignore=ignore)
        shutil.copy('model-index.yml', mim)


setup(cmdclass={'build_py': BuildWithMim})

"""Shared by all tests."""

import importlib
import os
import sys
from pathlib import Path

import pytest

# One thread: several test processes share few cores, and sums of floats
# depend on the number of threads.
os.environ.setdefault('OMP_NUM_THREADS', '1')
# Helper modules beside this file.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What data sets and their transforms log."""
    messages: list[str] = []
    for module in ('folder', 'seeded_dataset', 'transforms.loading'):
        monkeypatch.setattr(
            f'mmseg_da.datasets.{module}.print_log',
            lambda message, **_: messages.append(message),
        )
    return messages


pytest_plugins = ['tool_fixtures']


def pytest_configure() -> None:
    """Import yapf before the workers do.

    Its first import on a machine writes a cache under the home folder, and
    renames it into place before it is whole: of two processes that import it
    at the same time, one reads an empty file.
    """
    importlib.import_module('yapf.yapflib.yapf_api')

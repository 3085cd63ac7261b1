"""Shared by all tests."""

import os
import sys
from pathlib import Path

# One thread: several test processes share few cores, and sums of floats
# depend on the number of threads.
os.environ.setdefault('OMP_NUM_THREADS', '1')
# Helper modules beside this file.
sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = ['tool_fixtures']

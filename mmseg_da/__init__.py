"""Real-time domain adaptive semantic segmentation for MMSegmentation."""

import warnings

import mmengine.logging

__version__ = '0.2.0'

# Warnings of OpenMMLab and torch that no user can act on.
_WARNINGS = (
    'Fail to import ``MultiScaleDeformableAttention``',
    'Unnecessary conv bias before batch/instance norm',
    'The draw is False, it means that the hook for visualization',
    "'pin_memory' argument is set as true but no accelerator is found",
    'Setting [A-Z]+_NUM_THREADS environment variable for each process',
    '`broadcast_buffers` is deprecated',
)
# MMSegmentation prints this line twice while it is imported, since print_log
# without a logger prints messages of any level.
_PRINTED = 'Could not import OneDL'


def _silence_imports() -> None:
    """Ignore the known warnings and the known line, and nothing else."""
    for message in _WARNINGS:
        warnings.filterwarnings('ignore', message=message)
    original = mmengine.logging.print_log

    def print_log(message, *args, **kwargs) -> None:
        if message != _PRINTED:
            original(message, *args, **kwargs)

    mmengine.logging.print_log = print_log


# Here, before any module of the package imports MMSegmentation.
_silence_imports()

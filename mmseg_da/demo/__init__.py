"""Seeded street scenes in GTA5's and Cityscapes' file layouts.

One world model (:mod:`.world`, :mod:`.street`) is photographed by two
cameras (:mod:`.cameras`): a game engine's and a dash camera's.
"""

from .cameras import Domain
from .domains import SOURCE, TARGET
from .render import render
from .world import sample_scene
from .write import DemoSpec, write_demo_data

__all__ = [
    'SOURCE',
    'TARGET',
    'DemoSpec',
    'Domain',
    'render',
    'sample_scene',
    'write_demo_data',
]

"""Seeded street scenes in GTA5's and Cityscapes' file layouts.

One world model (:mod:`.world`, :mod:`.street`) is photographed by two
cameras (:mod:`.cameras`): a game engine's and a dash camera's.
"""

from street_renderer.cameras import Domain
from street_renderer.domains import SOURCE, TARGET
from street_renderer.render import render
from street_renderer.world import sample_scene
from street_renderer.write import DemoSpec, write_demo_data

__all__ = [
    'SOURCE',
    'TARGET',
    'DemoSpec',
    'Domain',
    'render',
    'sample_scene',
    'write_demo_data',
]

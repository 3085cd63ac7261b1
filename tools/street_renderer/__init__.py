"""Renders seeded street scenes in GTA5's and Cityscapes' file layouts.

Two cameras (``cameras``), of a game engine and of a car, take pictures of one
model of streets (``world``, ``street``).
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

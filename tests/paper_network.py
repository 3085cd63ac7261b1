"""The paper's network, which the benchmarks share with the tests."""

from benchmarks.paper_network import (
    PaperBiSeNet,
    load_plugin_weights,
    paper_name,
)

__all__ = ['PaperBiSeNet', 'load_plugin_weights', 'paper_name']

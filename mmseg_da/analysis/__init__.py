from .class_statistics import (
    class_statistics,
    count_classes,
    median_frequency_weights,
)
from .complexity import count_macs, count_parameters
from .latency import measure_latency

__all__ = [
    'class_statistics',
    'count_classes',
    'count_macs',
    'count_parameters',
    'measure_latency',
    'median_frequency_weights',
]

"""Imports all groups, which registers them."""

from benchmarks import data, evaluation, inference, losses, training  # noqa: F401

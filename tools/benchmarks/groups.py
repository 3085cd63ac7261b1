"""Imports all groups, which registers them."""

from benchmarks import (  # noqa: F401
    data,
    evaluation,
    inference,
    losses,
    methods,
    training,
)

"""Imports all groups, which registers them."""

from benchmarks import (  # noqa: F401
    adaptation,
    batch_norm,
    data,
    evaluation,
    inference,
    losses,
    training,
)

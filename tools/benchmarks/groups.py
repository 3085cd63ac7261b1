"""All groups: importing one registers it."""

from benchmarks import data, evaluation, inference, losses, training  # noqa: F401

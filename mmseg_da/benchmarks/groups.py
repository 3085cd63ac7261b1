"""All groups: importing one registers it."""

from . import data, evaluation, inference, training  # noqa: F401

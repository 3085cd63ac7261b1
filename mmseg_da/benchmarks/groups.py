"""All groups: importing one registers it."""

from . import data, evaluation, inference, losses, training  # noqa: F401

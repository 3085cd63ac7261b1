"""All groups: importing one registers it."""

from . import data, evaluation, inference  # noqa: F401

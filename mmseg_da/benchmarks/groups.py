"""All groups: importing one registers it."""

from . import evaluation, inference  # noqa: F401

"""All groups: importing one registers it."""

from . import inference  # noqa: F401

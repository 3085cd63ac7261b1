"""Transforms; imported for their registration."""

from .loading import LoadImage, LoadTrainIds

__all__ = ['LoadImage', 'LoadTrainIds']

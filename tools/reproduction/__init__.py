"""Runs the rows of the paper and reports their numbers beside the paper's."""

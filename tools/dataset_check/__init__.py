"""What ``tools/check_dataset.py`` looks for in the files of a config."""

"""Check a config and prepare its run, before anything is computed."""

from launch.pretrained import check_pretrained, find_pretrained
from launch.resume import explain_stop, resume_from_work_dir
from launch.run_record import record_run
from launch.start import (
    check_class_weights,
    check_start,
    set_launcher,
    set_work_dir,
    use_amp,
)
from launch.validate import check_config

__all__ = [
    'check_class_weights',
    'check_config',
    'check_pretrained',
    'check_start',
    'explain_stop',
    'find_pretrained',
    'record_run',
    'resume_from_work_dir',
    'set_launcher',
    'set_work_dir',
    'use_amp',
]

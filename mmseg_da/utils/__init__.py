from .build_errors import explain_build_errors
from .cli import ConfigOptions, add_cfg_options, one_sentence_errors
from .config import load_config, set_work_dir, use_amp
from .distributed import set_launcher
from .pretrained import check_pretrained, find_pretrained
from .resume import explain_stop, resume_from_work_dir
from .run_record import record_run
from .safe_load import weights_only_loading
from .validate import check_config

__all__ = [
    'ConfigOptions',
    'add_cfg_options',
    'check_config',
    'check_pretrained',
    'explain_build_errors',
    'explain_stop',
    'find_pretrained',
    'load_config',
    'one_sentence_errors',
    'record_run',
    'resume_from_work_dir',
    'set_launcher',
    'set_work_dir',
    'use_amp',
    'weights_only_loading',
]

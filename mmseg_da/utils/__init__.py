from mmseg_da.utils.build_errors import explain_build_errors
from mmseg_da.utils.cli import (
    ConfigOptions,
    add_cfg_options,
    add_teacher,
    one_sentence_errors,
)
from mmseg_da.utils.config import load_config, set_work_dir, use_amp
from mmseg_da.utils.distributed import set_launcher
from mmseg_da.utils.pretrained import check_pretrained, find_pretrained
from mmseg_da.utils.resume import explain_stop, resume_from_work_dir
from mmseg_da.utils.run_record import record_run
from mmseg_da.utils.safe_load import weights_only_loading
from mmseg_da.utils.validate import check_config

__all__ = [
    'ConfigOptions',
    'add_cfg_options',
    'add_teacher',
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

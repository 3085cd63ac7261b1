from .cli import one_sentence_errors
from .config import load_config, set_work_dir, use_amp
from .pretrained import explain_missing_weights
from .safe_load import weights_only_loading

__all__ = [
    'explain_missing_weights',
    'load_config',
    'one_sentence_errors',
    'set_work_dir',
    'use_amp',
    'weights_only_loading',
]

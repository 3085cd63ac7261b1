from mmseg_da.utils.build_errors import explain_build_errors
from mmseg_da.utils.cli import add_cfg_options, one_sentence_errors
from mmseg_da.utils.config import load_config
from mmseg_da.utils.safe_load import weights_only_loading

__all__ = [
    'add_cfg_options',
    'explain_build_errors',
    'load_config',
    'one_sentence_errors',
    'weights_only_loading',
]

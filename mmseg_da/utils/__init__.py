from mmseg_da.utils.build_errors import explain_build_errors
from mmseg_da.utils.config import load_config
from mmseg_da.utils.safe_load import weights_only_loading

__all__ = ['explain_build_errors', 'load_config', 'weights_only_loading']

from mmseg_da.models.backbones import *  # noqa: F403
from mmseg_da.models.decode_heads import *  # noqa: F403
from mmseg_da.models.discriminators import *  # noqa: F403
from mmseg_da.models.losses import *  # noqa: F403
from mmseg_da.models.segmentors import *  # noqa: F403

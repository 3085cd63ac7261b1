from .backbones import *  # noqa: F403
from .decode_heads import *  # noqa: F403
from .discriminators import *  # noqa: F403
from .losses import *  # noqa: F403
from .segmentors import *  # noqa: F403

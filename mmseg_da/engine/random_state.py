"""The random state of a process, as tensors that can be loaded safely."""

import random

import numpy as np
import torch


def random_state() -> dict:
    """Read the state of python's, numpy's and torch's global generators.

    Returns:
        dict: Tensors, numbers and None. With CUDA, the state of the current
        device too.
    """
    version, words, gauss = random.getstate()
    _, keys, position, has_gauss, cached = np.random.get_state()
    state = dict(
        python=dict(version=version, words=torch.tensor(words), gauss=gauss),
        numpy=dict(
            keys=torch.from_numpy(keys.astype(np.int64)),
            position=position,
            has_gauss=has_gauss,
            gauss=cached,
        ),
        torch=torch.get_rng_state(),
    )
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict) -> None:
    """Set the generators to a state that :func:`random_state` returned."""
    python, numpy = state['python'], state['numpy']
    words = tuple(python['words'].tolist())
    random.setstate((python['version'], words, python['gauss']))
    keys = numpy['keys'].cpu().numpy().astype(np.uint32)
    rest = (numpy[key] for key in ('position', 'has_gauss', 'gauss'))
    np.random.set_state(('MT19937', keys, *rest))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())

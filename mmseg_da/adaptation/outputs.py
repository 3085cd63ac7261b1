"""Find the head's output that the segmentor predicts with."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn

from mmseg_da.errors import InputError

# An image large enough for pyramid pooling, small enough to cost nothing.
PROBE_SIZE = (1, 3, 128, 128)


def keep_random_state(network: nn.Module) -> AbstractContextManager:
    """Restore the random state of the CPU and of the network's own GPU.

    Without names of devices torch would start every GPU of the machine.
    """
    return torch.random.fork_rng(
        {p.device for p in network.parameters() if p.is_cuda}
    )


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Compute without gradients, and leave BatchNorm and dropout alone.

    Each module of the network is in its own mode again after the block.
    """
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training


def losses_of_head(head: nn.Module) -> list[nn.Module]:
    """The loss modules of a head; an InputError if it has none."""
    if not hasattr(head, 'loss_decode'):
        raise InputError(
            f'{type(head).__name__} has no loss_decode, from which the source '
            'prediction is taken: use a head derived from BaseDecodeHead.'
        )
    losses = head.loss_decode
    return list(losses) if isinstance(losses, nn.ModuleList) else [losses]


def find_output_index(
    segmentor: nn.Module, index: int | None, key: str
) -> int:
    """Check the index of the head's output that is adapted, or find it.

    A head such as PIDNet's returns several outputs in training and one of
    them in evaluation. Which one it is shows when both are computed from one
    image with the same BatchNorm statistics.

    Args:
        segmentor (nn.Module): The bare segmentor.
        index (int | None): The index from the config; None to find it.
        key (str): The config key of the hook, for messages.

    Raises:
        InputError: If the index does not exist, or cannot be found.
    """
    head = predicting_head(segmentor)
    losses = getattr(head, 'loss_decode', None)
    count = len(losses) if isinstance(losses, nn.ModuleList) else 1
    if index is None:
        # The parts of a head such as K-Net's have the losses.
        one = count == 1 and losses is not None
        return 0 if one else _probe(segmentor, key)
    if losses is not None and not 0 <= index < count:
        raise InputError(
            f'{key}.output_index is {index}, but {type(head).__name__} has '
            f'{count} loss(es): set it to 0..{count - 1}.'
        )
    return index


def predicting_head(segmentor: nn.Module) -> nn.Module:
    """The head that predicts, the last one of a cascade."""
    heads = segmentor.decode_head
    return heads[-1] if isinstance(heads, nn.ModuleList) else heads


def auxiliary_heads(segmentor: nn.Module) -> list[nn.Module]:
    """The heads that only train, in the order of the config."""
    heads = getattr(segmentor, 'auxiliary_head', None)
    if heads is None:
        return []
    return list(heads) if isinstance(heads, nn.ModuleList) else [heads]


def _probe(segmentor: nn.Module, key: str) -> int:
    device = next(segmentor.parameters()).device
    with keep_random_state(segmentor), evaluation_mode(segmentor):
        image = torch.randn(PROBE_SIZE, device=device)
        predicted = segmentor(image, mode='tensor')
        for module in segmentor.modules():
            # Layers without children, such as BatchNorm and dropout, stay in
            # evaluation; the others decide which outputs they return.
            module.training = next(module.children(), None) is not None
        outputs = segmentor(image, mode='tensor')
    if isinstance(outputs, Tensor):
        return 0
    for index, output in enumerate(outputs):
        if output.shape == predicted.shape and torch.equal(output, predicted):
            return index
    head = type(predicting_head(segmentor)).__name__
    raise InputError(
        f'{head} returns {len(outputs)} outputs in training, and none of them '
        f'is what it predicts with: set {key}.output_index to the one that '
        'shall be adapted.'
    )

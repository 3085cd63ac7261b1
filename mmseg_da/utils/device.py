import torch

from mmseg_da.errors import InputError


def pick_device(name: str | torch.device = 'auto') -> torch.device:
    """Turn 'auto', 'cpu', 'cuda:1', ... into a device of this machine.

    'auto' is CUDA if there is any, else the CPU.

    Raises:
        InputError: If this machine has no such device.
    """
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().split('\n')[0]
        raise InputError(
            f'--device {name} cannot be used ({reason}): give auto, or cpu.'
        ) from error
    return device

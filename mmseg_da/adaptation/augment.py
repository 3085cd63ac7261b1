"""Strong augmentation of preprocessed batches, on the device they are on."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# Luma of ITU-R BT.601, and the two chroma axes in which hue is an angle.
# On the CPU, also if the first import happens while a model is built under
# torch.device('meta').
RGB_TO_YIQ = torch.tensor(
    [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]],
    device='cpu',
)
JITTER_PROB, BLUR_PROB = 0.8, 0.5
SIGMA_RANGE = 0.15, 1.15
BLUR_RADIUS = 4  # 3.5 times the largest sigma


def color_jitter(
    images: Tensor, strength: float, generator: torch.Generator
) -> Tensor:
    """Change brightness, contrast, saturation and hue of each image.

    Each image is changed with probability 0.8. The factors are uniform in
    ``1 - strength .. 1 + strength`` and the hue turns by up to ``strength``
    of a circle, as in DACS (Tranheden et al., WACV 2021), section 4. The four
    steps are one linear map of the colours and one clip.

    Args:
        images (Tensor): RGB in [0, 1], ``(N, 3, H, W)``; so is the result.
        strength (float): At least 0.
        generator (torch.Generator): On the CPU.
    """
    count = len(images)
    low, high = max(0.0, 1 - strength), 1 + strength
    draws = torch.rand(5, count, generator=generator)
    brightness, contrast, saturation = low + (high - low) * draws[:3]
    angle = 2 * math.pi * strength * (2 * draws[3] - 1)
    chroma = torch.zeros(count, 3, 3)
    chroma[:, 0, 0] = 1
    chroma[:, 1, 1] = chroma[:, 2, 2] = saturation * angle.cos()
    chroma[:, 2, 1] = saturation * angle.sin()
    chroma[:, 1, 2] = -chroma[:, 2, 1]
    turn = torch.linalg.inv(RGB_TO_YIQ) @ chroma @ RGB_TO_YIQ
    matrix = turn * (brightness * contrast).view(-1, 1, 1)
    luma = torch.einsum('c,nchw->n', RGB_TO_YIQ[0].to(images), images)
    luma = luma / images[0, 0].numel() * brightness.to(images)
    # Contrast moves the colours towards the grey of the mean luma, which
    # neither saturation nor hue changes.
    offset = (luma * (1 - contrast.to(images))).view(-1, 1, 1, 1)
    changed = torch.einsum('ndc,nchw->ndhw', matrix.to(images), images)
    changed = (changed + offset).clamp(0, 1)
    jittered = (draws[4] < JITTER_PROB).to(images.device)
    return torch.where(jittered.view(-1, 1, 1, 1), changed, images)


def gaussian_blur(images: Tensor, generator: torch.Generator) -> Tensor:
    """Blur each of the images ``(N, C, H, W)`` with probability 0.5.

    Sigma is 0.15 .. 1.15 pixels. The generator is on the CPU.
    """
    count, channels, height, width = images.shape
    low, high = SIGMA_RANGE
    draws = torch.rand(2, count, generator=generator)
    sigma = low + (high - low) * draws[0]
    offsets = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1)
    taps = torch.exp(-((offsets / sigma.view(-1, 1)) ** 2) / 2)
    identity = (offsets == 0).to(taps)
    blurred = (draws[1] < BLUR_PROB).view(-1, 1)
    taps = torch.where(blurred, taps / taps.sum(dim=1, keepdim=True), identity)
    kernel = taps.to(images).repeat_interleave(channels, dim=0)
    groups = count * channels
    flat = images.reshape(1, groups, height, width)
    flat = F.pad(flat, [BLUR_RADIUS] * 4, mode='replicate')
    flat = F.conv2d(flat, kernel[:, None, :, None], groups=groups)
    flat = F.conv2d(flat, kernel[:, None, None, :], groups=groups)
    return flat.view(images.shape)


@torch.no_grad()
def strong_augment(
    inputs: Tensor,
    preprocessor: torch.nn.Module,
    strength: float,
    blur: bool,
    generator: torch.Generator,
) -> Tensor:
    """Jitter and blur a batch of normalised RGB images ``(N, 3, H, W)``.

    Args:
        preprocessor (nn.Module): The segmentor's data preprocessor, whose
            ``mean`` and ``std`` are of RGB in 0..255.
        strength (float): Of :func:`color_jitter`; 0 leaves colours alone.
        blur (bool): Whether to blur.
        generator (torch.Generator): On the CPU.
    """
    images = to_pixels(inputs, preprocessor) / 255
    # Autocast would round the images' colours to half precision.
    with torch.autocast(inputs.device.type, enabled=False):
        if strength > 0:
            images = color_jitter(images, strength, generator)
        if blur:
            images = gaussian_blur(images, generator)
    return from_pixels(images * 255, preprocessor)


def to_pixels(inputs: Tensor, preprocessor: torch.nn.Module) -> Tensor:
    """Undo the normalisation of images ``(..., 3, H, W)``, to 0..255.

    The preprocessor has ``mean`` and ``std``, or neither.
    """
    mean = getattr(preprocessor, 'mean', 0.0)
    return inputs * getattr(preprocessor, 'std', 1.0) + mean


def from_pixels(images: Tensor, preprocessor: torch.nn.Module) -> Tensor:
    """Normalise colours in 0..255; the inverse of :func:`to_pixels`."""
    mean = getattr(preprocessor, 'mean', 0.0)
    return (images - mean) / getattr(preprocessor, 'std', 1.0)

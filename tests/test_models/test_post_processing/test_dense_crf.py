"""The dense CRF against the sums written out, and on cases with answers."""

import pytest
import torch
from torch.nn import functional as F

from mmseg_da.errors import InputError
from mmseg_da.models.post_processing import dense_crf
from mmseg_da.models.post_processing.permutohedral import (
    PermutohedralLattice,
    _enclosing_simplex,
)


def gaussian(features):
    return torch.exp(-(torch.cdist(features, features) ** 2) / 2)


def positions(height, width):
    y, x = torch.meshgrid(
        torch.arange(height), torch.arange(width), indexing='ij'
    )
    return torch.stack((y, x), dim=-1).reshape(-1, 2).double()


def exact_crf(prob, image, w1, sigma_alpha, sigma_beta, w2, sigma_gamma, n):
    """Mean field with every pair of pixels written out, in float64."""
    place = positions(*prob.shape[1:])
    colour = image.reshape(-1, 3).double()
    appearance = torch.cat((place / sigma_alpha, colour / sigma_beta), dim=1)
    kernel = 0
    for weight, features in ((w1, appearance), (w2, place / sigma_gamma)):
        k = gaussian(features)
        scale = k.sum(1).rsqrt()
        kernel = kernel + weight * scale[:, None] * k * scale
    current = prob.flatten(1).double()
    unary = current.log()
    for _ in range(n):
        current = (unary + current @ kernel).softmax(0)
    return current.reshape(prob.shape)


def two_colours(size, noise, seed=0):
    """Image of two halves with noise, and the mask of the right one."""
    generator = torch.Generator().manual_seed(seed)
    right = torch.arange(size).expand(size, size) >= size // 2
    image = torch.where(right[..., None], torch.tensor([160.0, 70, 90]), 60.0)
    image = image + noise * torch.randn(image.shape, generator=generator)
    return image.round().clamp(0, 255).to(torch.uint8), right


def probabilities(classes, size, scale=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(classes, size, size, generator=generator)
    return (logits * scale).softmax(0)


@pytest.mark.parametrize('dims', [1, 2, 5])
def test_simplex_encloses_its_point(dims):
    torch.manual_seed(0)
    features = torch.randn(500, dims).double() * 4
    corner, rank, weights = _enclosing_simplex(features)
    assert not corner.sum(1).any()
    assert torch.equal(
        rank.sort(dim=1).values, torch.arange(dims + 1).expand(500, -1)
    )
    assert weights.min() >= -1e-12
    torch.testing.assert_close(weights.sum(1), torch.ones(500).double())
    # Weighted vertices give back a linear image of the point: distances
    # between points are kept, up to the lattice's scale.
    size = dims + 1
    vertices = torch.stack(
        [corner + r - size * (rank > dims - r).long() for r in range(size)], 1
    )
    embedded = (weights.unsqueeze(2) * vertices).sum(1)
    scale = size * (2 / 3) ** 0.5
    torch.testing.assert_close(
        torch.cdist(embedded, embedded),
        torch.cdist(features, features) * scale,
        atol=1e-5,
        rtol=0,
    )


@pytest.mark.parametrize('dims', [1, 2, 5])
def test_lattice_is_near_the_gaussian(dims):
    torch.manual_seed(0)
    features = torch.randn(1500, dims) * 2
    values = torch.stack((features[:, 0], features[:, -1].sign()), dim=1)
    kernel = gaussian(features)
    exact = kernel @ values / kernel.sum(1, keepdim=True)
    lattice = PermutohedralLattice(features)
    filtered = lattice(values) / lattice(torch.ones(1500, 1))
    error = (filtered - exact).abs().mean(0)
    assert (error < 0.1 * exact.std(0)).all(), error / exact.std(0)


@pytest.mark.parametrize('dims', [1, 2, 5])
def test_lattice_keeps_distant_points_apart(dims):
    torch.manual_seed(0)
    features = torch.rand(800, dims) * 20
    filtered = PermutohedralLattice(features)(torch.eye(800))
    distance = torch.cdist(features, features)
    assert not filtered[distance > 8].any()
    assert filtered[distance < 0.5].all()


@pytest.mark.parametrize(
    'size, sigma_alpha, sigma_beta', [(12, 5, 20), (32, 10, 20), (40, 67, 20)]
)
def test_agrees_with_the_sums_written_out(size, sigma_alpha, sigma_beta):
    image, _ = two_colours(size, noise=8)
    prob = probabilities(4, size)
    parameters = (4.0, sigma_alpha, sigma_beta, 3.0, 3.0, 5)
    refined = dense_crf(prob, image, *parameters)
    expected = exact_crf(prob, image, *parameters)
    difference = (refined - expected).abs()
    moved = (prob - expected).abs().mean()
    assert moved > 0.1
    assert difference.mean() < 0.012
    assert difference.max() < 0.12
    torch.testing.assert_close(refined.sum(0), torch.ones(size, size))


def test_boundary_moves_to_the_edge_in_the_image():
    """A blurred and shifted prediction with errors, in a clear image."""
    image, right = two_colours(48, noise=3)
    shifted = (torch.arange(48).expand(48, 48) >= 27).float()
    soft = F.avg_pool2d(shifted[None, None], 9, 1, 4)[0, 0]
    soft = soft.clamp(0.2, 0.8)
    generator = torch.Generator().manual_seed(0)
    flipped = torch.rand(48, 48, generator=generator) < 0.1
    soft = torch.where(flipped, 1 - soft, soft)
    prob = torch.stack((1 - soft, soft))
    before = (prob.argmax(0).bool() == right).float().mean()
    refined = dense_crf(prob, image, sigma_beta=10.0)
    after = (refined.argmax(0).bool() == right).float().mean()
    assert before < 0.9
    assert after == 1
    # With no colour in it, the smoothness kernel mends the errors and
    # cannot know where the edge is.
    smooth = dense_crf(prob, image, w1=0).argmax(0).bool()
    assert (smooth == shifted.bool()).float().mean() > 0.95
    assert not torch.equal(smooth, right)


def test_without_kernels_or_iterations_nothing_changes():
    image, _ = two_colours(12, noise=8)
    prob = probabilities(3, 12)
    for settings in (dict(w1=0, w2=0), dict(num_iterations=0)):
        torch.testing.assert_close(dense_crf(prob, image, **settings), prob)


def test_certain_pixels_and_half_precision():
    image, right = two_colours(16, noise=3)
    prob = torch.stack((~right, right)).half()
    with torch.autocast('cpu', torch.bfloat16):
        refined = dense_crf(prob, image)
    assert refined.dtype == torch.float32
    assert refined.isfinite().all()
    assert torch.equal(refined.argmax(0).bool(), right)
    assert torch.equal(refined, dense_crf(prob.float(), image))


@pytest.mark.parametrize(
    'settings, found',
    [
        (dict(w1=-1), 'w1 of the dense CRF is -1; expected a number of at'),
        (dict(w2=float('nan')), 'w2 of the dense CRF is nan'),
        (dict(sigma_alpha=0), 'is 0; expected a number above 0'),
        (dict(sigma_beta='3'), "sigma_beta of the dense CRF is '3'"),
        (
            dict(sigma_gamma=float('inf')),
            'sigma_gamma of the dense CRF is inf',
        ),
        (dict(num_iterations=-1), 'num_iterations of the dense CRF is -1'),
        (dict(num_iterations=2.5), 'is 2.5; expected a whole number'),
        (dict(sigma_beta=1e-4), 'is too narrow for its image'),
    ],
)
def test_parameters_out_of_range(settings, found):
    image, _ = two_colours(12, noise=8)
    with pytest.raises(InputError) as error:
        dense_crf(probabilities(3, 12), image, **settings)
    assert found in str(error.value)


def test_shapes_that_do_not_fit():
    image, _ = two_colours(12, noise=8)
    with pytest.raises(InputError, match=r'\(3, 16, 16\) and \(12, 12, 3\)'):
        dense_crf(probabilities(3, 16), image)

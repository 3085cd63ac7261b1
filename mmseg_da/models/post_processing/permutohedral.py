"""Gaussian filter of many dimensions on the permutohedral lattice.

Adams, Baek, Davis, "Fast High-Dimensional Filtering Using the Permutohedral
Lattice", Eurographics 2010, sections 3 and 4. The lattice of ``d``
dimensions lies in the hyperplane of ``R^(d+1)`` whose coordinates sum to 0.
Splatting, blurring and slicing are weighted sums over listed rows, so each
is a call of torch's ``embedding_bag``.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_da.errors import InputError


class PermutohedralLattice:
    """Filter with the Gaussian of unit standard deviation.

    Points that share no simplex with any other are kept apart, so the cost
    grows with the number of points, not with the volume they span.

    Args:
        features (Tensor): Positions ``(N, d)``, divided by the kernel's
            standard deviations.

    Raises:
        InputError: If the positions span too many lattice cells to number.
    """

    def __init__(self, features: Tensor) -> None:
        corner, rank, self.weights = _enclosing_simplex(features)
        codes, steps = _number_vertices(corner, rank)
        codes, vertices, counts = codes.unique(
            return_inverse=True, return_counts=True
        )
        self.vertices = vertices
        # One more row than vertices: the zero that absent neighbours are.
        # Its bag is the empty one at the end.
        last = len(codes)
        order = vertices.flatten().argsort()
        self.members = order.div(vertices.size(1), rounding_mode='floor')
        self.member_weights = self.weights.flatten()[order]
        self.bags = F.pad(counts.cumsum(0), (1, 0))
        self.neighbours = []
        itself = torch.arange(last + 1, device=codes.device)
        for step in steps:
            rows = [itself]
            for shifted in (codes - step, codes + step):
                place = torch.searchsorted(codes, shifted)
                place.clamp_(max=last - 1)
                absent = codes[place] != shifted
                place = place.masked_fill(absent, last)
                rows.append(F.pad(place, (0, 1), value=last))
            self.neighbours.append(torch.stack(rows, dim=1))
        self.blur = self.weights.new_tensor([1, 0.5, 0.5])
        self.blur = self.blur.repeat(last + 1, 1)

    def __call__(self, values: Tensor) -> Tensor:
        """Return ``sum_j exp(-|f_i - f_j|^2 / 2) values_j``, up to one
        constant factor for all ``i``.

        Args:
            values (Tensor): ``(N, C)``, as the result.
        """
        table = F.embedding_bag(
            self.members,
            values,
            self.bags,
            mode='sum',
            per_sample_weights=self.member_weights,
        )
        for neighbours in self.neighbours:
            table = F.embedding_bag(
                neighbours, table, mode='sum', per_sample_weights=self.blur
            )
        return F.embedding_bag(
            self.vertices, table, mode='sum', per_sample_weights=self.weights
        )


def _enclosing_simplex(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Find the simplex around each position.

    Returns:
        tuple[Tensor, Tensor, Tensor]: The corner of remainder 0 and the
        ranks of the coordinates, ``(N, d + 1)`` int64, and the barycentric
        weights ``(N, d + 1)``.
    """
    count, dims = features.shape
    # Columns of a basis of the hyperplane, orthogonal and of equal length:
    # splat, blur and slice together have the variance (d+1)^2 2/3.
    basis = features.new_zeros(dims, dims + 1)
    for i in range(dims):
        basis[i, : i + 1] = 1
        basis[i, i + 1] = -(i + 1)
        basis[i] *= (dims + 1) * math.sqrt(2 / 3 / ((i + 1) * (i + 2)))
    # Not a matrix product: autocast and TF32 would run it in half precision.
    elevated = (features.unsqueeze(2) * basis).sum(1)

    size = dims + 1
    corner = (elevated / size).round() * size
    excess = corner.sum(1, keepdim=True).div(size).round().long()
    order = (elevated - corner).argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(dim=1) + excess
    # Bring the sum of the corner's coordinates back to 0.
    wrap = (rank < 0).long() - (rank >= size).long()
    rank = rank + wrap * size
    corner = corner.long() + wrap * size

    rest = (elevated - corner) / size
    by_rank = torch.empty_like(rest).scatter_(1, rank, rest)
    # Weight of remainder r: the drop between two successive coordinates.
    descending = by_rank.flip(1)
    weights = descending - F.pad(descending, (1, 0))[:, :-1]
    weights[:, 0] = 1 + by_rank[:, -1] - by_rank[:, 0]
    return corner, rank, weights


def _number_vertices(corner: Tensor, rank: Tensor) -> tuple[Tensor, list[int]]:
    """Number the lattice points so that neighbours differ by a constant.

    Returns:
        tuple[Tensor, list[int]]: The numbers of each simplex's vertices
        ``(N, d + 1)`` and the step to the neighbour along each axis.
    """
    size = corner.size(1)
    low = corner.amin(0) - 2 * size
    spans = (corner.amax(0) + 2 * size - low)[:-1].tolist()
    # The last coordinate follows from the others.
    if math.prod(spans) >= 2**62:
        raise InputError(
            'A kernel of the dense CRF is too narrow for its image: its '
            'lattice has more cells than 64 bits can number; give larger '
            'sigma_alpha and sigma_beta.'
        )
    radix = [math.prod(spans[:i]) for i in range(size - 1)]
    factors = torch.tensor([*radix, 0], device=corner.device)
    base = ((corner - low) * factors).sum(1)
    codes = []
    for remainder in range(size):
        wraps = (rank > size - 1 - remainder).long()
        shift = ((remainder - size * wraps) * factors).sum(1)
        codes.append(base + shift)
    total = sum(radix)
    steps = [total - size * number for number in radix] + [total]
    return torch.stack(codes, dim=1), steps

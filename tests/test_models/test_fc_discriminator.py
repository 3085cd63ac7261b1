import torch
import torch.nn.functional as F

from mmseg_da.models import FCDiscriminator


def test_parameter_count():
    discriminator = FCDiscriminator(in_channels=19)
    parameters = list(discriminator.parameters())
    assert sum(p.numel() for p in parameters) == 2_781_121
    discriminator = FCDiscriminator(in_channels=19, separable=True)
    parameters = list(discriminator.parameters())
    assert sum(p.numel() for p in parameters) == 191_364


def test_equals_the_plain_formula():
    """Five 4x4 convolutions of stride 2, leaky ReLU 0.2 between them."""
    torch.manual_seed(0)
    discriminator = FCDiscriminator(in_channels=5, base_channels=4)
    x = torch.randn(2, 5, 96, 64).softmax(dim=1)
    expected = x
    parameters = list(discriminator.parameters())
    for i, (weight, bias) in enumerate(zip(parameters[::2], parameters[1::2])):
        if i > 0:
            expected = F.leaky_relu(expected, 0.2)
        expected = F.conv2d(expected, weight, bias, stride=2, padding=1)
    assert [len(p) for p in parameters[1::2]] == [4, 8, 16, 32, 1]
    assert expected.shape == (2, 1, 3, 2)
    torch.testing.assert_close(discriminator(x), expected)


def test_separable_equals_the_plain_formula():
    """A 4x4 filter of each channel, then a 1x1 mixture of the channels."""
    torch.manual_seed(0)
    discriminator = FCDiscriminator(5, base_channels=4, separable=True)
    x = torch.randn(2, 5, 96, 64).softmax(dim=1)
    expected = x
    parameters = list(discriminator.parameters())
    for i in range(0, len(parameters), 4):
        spatial, bias, across, other_bias = parameters[i : i + 4]
        if i > 0:
            expected = F.leaky_relu(expected, 0.2)
        expected = torch.cat(
            [
                F.conv2d(expected[:, [c]], spatial[[c]], bias[[c]], 2, 1)
                for c in range(len(spatial))
            ],
            dim=1,
        )
        expected = F.conv2d(expected, across, other_bias)
    assert expected.shape == (2, 1, 3, 2)
    torch.testing.assert_close(discriminator(x), expected)

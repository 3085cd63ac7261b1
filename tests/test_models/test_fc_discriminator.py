import torch
import torch.nn.functional as F

from mmseg_da.models import FCDiscriminator


def test_parameter_count():
    discriminator = FCDiscriminator(in_channels=19)
    parameters = list(discriminator.parameters())
    assert sum(p.numel() for p in parameters) == 2_781_121


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


def test_separable_layers_equal_the_plain_formula():
    torch.manual_seed(0)
    discriminator = FCDiscriminator(5, base_channels=4, separable=True)
    x = torch.randn(2, 5, 96, 64).softmax(dim=1)
    expected = x
    *hidden, last = discriminator.parameters()
    *hidden, last_weight = hidden
    for i in range(0, len(hidden), 4):
        weight, bias, mix, mix_bias = hidden[i : i + 4]
        groups = len(weight)
        expected = F.conv2d(expected, weight, bias, 2, 1, groups=groups)
        expected = F.leaky_relu(F.conv2d(expected, mix, mix_bias), 0.2)
    expected = F.conv2d(expected, last_weight, last, stride=2, padding=1)
    assert expected.shape == (2, 1, 3, 2)
    torch.testing.assert_close(discriminator(x), expected)


def test_separable_layers_are_light():
    found = FCDiscriminator(19, separable=True).parameters()
    assert sum(p.numel() for p in found) == 190_340

import pytest
import torch
from torch import nn

from mmseg_da.apis import adapt_bn
from mmseg_da.errors import InputError


class Net(nn.Sequential):
    @staticmethod
    def data_preprocessor(batch: dict, training: bool) -> dict:
        return batch


def batches() -> list[dict]:
    torch.manual_seed(0)
    return [dict(inputs=torch.randn(2, 3, 4, 4) + i) for i in range(3)]


def test_statistics_are_the_mean_over_the_batches() -> None:
    model = Net(nn.BatchNorm2d(3)).eval()
    adapt_bn(model, batches())
    inputs = [batch['inputs'] for batch in batches()]
    mean = torch.stack([x.mean((0, 2, 3)) for x in inputs]).mean(0)
    var = torch.stack([x.var((0, 2, 3)) for x in inputs]).mean(0)
    assert torch.allclose(model[0].running_mean, mean)
    assert torch.allclose(model[0].running_var, var)
    assert not model.training


class Branches(Net):
    """A layer that training alone passes."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU())
        self.auxiliary = nn.BatchNorm2d(4)

    def forward(self, x):
        # One layer in two places: both count, in each batch.
        return self[1](self[1](self[0](x)) + 1)


def test_shared_layers_count_and_unused_ones_stay() -> None:
    torch.manual_seed(1)
    model = Branches().eval()
    model.auxiliary.running_mean.fill_(5)
    start = {k: v.clone() for k, v in model.state_dict().items()}
    adapt_bn(model, batches())
    assert int(model[1].num_batches_tracked) == 6
    assert model[1].momentum == 0.1
    after = model.state_dict()
    changed = {k for k in after if not torch.equal(after[k], start[k])}
    assert changed == {
        f'1.{name}'
        for name in ('running_mean', 'running_var', 'num_batches_tracked')
    }
    with torch.no_grad():
        passes = [model[0](batch['inputs']) for batch in batches()]
        means = []
        for x in passes:
            means.append(x.mean((0, 2, 3)))
            scale = (x.var((0, 2, 3), unbiased=False) + 1e-5).sqrt()
            again = (x - means[-1].view(-1, 1, 1)) / scale.view(-1, 1, 1) + 1
            means.append(again.mean((0, 2, 3)))
    expected = torch.stack(means).mean(0)
    assert torch.allclose(model[1].running_mean, expected, atol=1e-5)


def test_a_model_without_batchnorm_is_refused() -> None:
    with pytest.raises(InputError, match='Net has no BatchNorm'):
        adapt_bn(Net(nn.GroupNorm(1, 3)), batches())


class Frozen(Net):
    """Its first layer stays in evaluation mode, as with ``norm_eval``."""

    def train(self, mode: bool = True) -> nn.Module:
        super().train(mode)
        self[0].eval()
        return self


def test_frozen_layers_keep_their_statistics() -> None:
    model = Frozen(nn.BatchNorm2d(3), nn.BatchNorm2d(3))
    model[0].running_mean.fill_(5)
    adapt_bn(model, batches())
    assert model[0].running_mean.tolist() == [5, 5, 5]
    assert (model[1].running_mean < -3).all()
    with pytest.raises(InputError, match='no BatchNorm that trains'):
        adapt_bn(Frozen(nn.BatchNorm2d(3)), batches())

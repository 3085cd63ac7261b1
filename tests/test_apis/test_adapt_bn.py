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


def test_a_model_without_batchnorm_is_refused() -> None:
    with pytest.raises(InputError, match='Net has no BatchNorm'):
        adapt_bn(Net(nn.GroupNorm(1, 3)), batches())

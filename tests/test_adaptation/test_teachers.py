"""Teachers with a part of their own: frozen layers, labels of others."""

import pytest
import torch
from torch import nn

from mmseg_da.adaptation.teachers import EMATeacher, ShuffledTeacher
from mmseg_da.errors import InputError


class Frozen(nn.Sequential):
    """Its first layer stays in evaluation mode, as with ``norm_eval``."""

    def train(self, mode: bool = True) -> nn.Module:
        super().train(mode)
        self[0].eval()
        return self


@pytest.mark.parametrize('batch_norm', ['batch', 'target'])
def test_frozen_layers_keep_their_statistics(batch_norm) -> None:
    teacher = EMATeacher(batch_norm=batch_norm)
    teacher.build(Frozen(nn.BatchNorm2d(3), nn.BatchNorm2d(3)))
    own = []
    for layer in teacher.model:
        layer.register_forward_hook(lambda m, *_: own.append(m.training))
    before = [x.clone() for x in teacher.model[0].buffers()]
    teacher.model(torch.randn(2, 3, 4, 4) + 5)
    assert own == [False, batch_norm == 'batch']
    assert all(map(torch.equal, before, teacher.model[0].buffers()))
    assert float(teacher.model[1].running_mean.abs().sum()) > 0


def test_the_shuffled_teacher_labels_each_image_by_another(
    monkeypatch,
) -> None:
    monkeypatch.setattr(EMATeacher, 'predict', lambda self, inputs: inputs + 1)
    teacher, batch = ShuffledTeacher(), torch.arange(3)
    assert teacher.predict(batch).tolist() == [3, 1, 2]
    with pytest.raises(InputError, match='but the target batch has one image'):
        teacher.predict(batch[:1])

"""The control with the labels of other images."""

import pytest
import torch

from mmseg_da.adaptation.teachers import EMATeacher, ShuffledTeacher
from mmseg_da.errors import InputError


def test_the_shuffled_teacher_labels_each_image_by_another(
    monkeypatch,
) -> None:
    monkeypatch.setattr(EMATeacher, 'predict', lambda self, inputs: inputs + 1)
    teacher, batch = ShuffledTeacher(), torch.arange(3)
    assert teacher.predict(batch).tolist() == [3, 1, 2]
    with pytest.raises(InputError, match='but the target batch has one image'):
        teacher.predict(batch[:1])

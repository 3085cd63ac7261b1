import pytest
import torch

from mmseg_da.errors import InputError
from mmseg_da.models.losses.functional import valid_pixels
from mmseg_da.models.losses.modules import DeferredLabelCheck


def test_valid_pixels():
    target = torch.tensor([[0, 18, 255, 3]])
    assert valid_pixels(target, 19).tolist() == [[True, True, False, True]]
    valid = valid_pixels(target, 256, ignore_index=3)
    assert valid.tolist() == [[True, True, True, False]]
    target = torch.tensor([[40, 19, -1, 40, 255]])
    with pytest.raises(InputError, match=r'contain -1, 19, 40, but'):
        valid_pixels(target, 19)


@pytest.mark.parametrize('wrong', [-1, 33])
def test_deferred_check_reports_in_the_next_call(wrong):
    check = DeferredLabelCheck()
    good = torch.tensor([[0, 18, 255]])
    bad = torch.tensor([[0, wrong, 255]])
    check(good, 19, 255)
    check(bad, 19, 255)
    with pytest.raises(InputError, match=f'contain {wrong}, but'):
        check(good, 19, 255)


def test_deferred_check_passes_good_labels():
    check = DeferredLabelCheck()
    for _ in range(3):
        check(torch.tensor([[0, 18, 255]]), 19, 255)
    check(torch.full((1, 3), 255), 19, 255)

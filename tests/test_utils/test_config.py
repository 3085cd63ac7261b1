"""What a user writes in a config, or beside it, and what comes of it."""

from pathlib import Path

import pytest
from mmseg.registry import MODELS
from stock_configs import NAMES, stock

from launch import check_config, set_work_dir
from mmseg_da.errors import InputError
from mmseg_da.models.losses import DiceLoss
from mmseg_da.utils import load_config

DEMO = Path(__file__).parents[2] / 'configs/demo/bisenet_adv.py'
STOCK_BASE = """
_base_ = 'mmseg::bisenetv2/bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024.py'
dice = dict(type='mmseg_da.DiceLoss')
model = dict(decode_head=dict(loss_decode=dict(_delete_=True, **dice)))
"""


def test_mmsegmentations_configs_can_be_inherited(tmp_path: Path) -> None:
    """On either distribution of MMSegmentation, its own losses replaced."""
    path = tmp_path / 'stock.py'
    path.write_text(STOCK_BASE)
    cfg = load_config(path)
    check_config(cfg, 'train')
    assert cfg.train_cfg.max_iters == 160000
    model = MODELS.build(cfg.model)
    assert isinstance(model.decode_head.loss_decode, DiceLoss)


@pytest.mark.parametrize(
    ('key', 'said'),
    [
        ('trian_cfg.max_iters', 'adds trian_cfg, a key that nothing reads: '
         'did you mean train_cfg?'),
        ('colour', 'adds colour, a key that nothing reads: check its'),
        ('load_from', ''),
        ('train_cfg.max_iters', ''),
    ],
)  # fmt: skip
def test_an_option_that_adds_a_key_is_warned_of(capsys, key, said) -> None:
    load_config(DEMO, {key: 2})
    warned = capsys.readouterr().err
    assert said in warned and bool(said) == bool(warned)


def test_a_misspelt_key_of_a_file_is_warned_of(tmp_path, capsys) -> None:
    path = tmp_path / 'typo.py'
    path.write_text(f'_base_ = {str(DEMO)!r}\nval_dataloder = dict(a=1)')
    load_config(path)
    warned = capsys.readouterr().err
    assert 'typo.py sets val_dataloder, a key that nothing reads' in warned
    assert 'did you mean val_dataloader?' in warned


def test_nobodys_own_variables_are_warned_of(capsys) -> None:
    for path in (DEMO.parents[1]).glob('[a-z]*/*.py'):
        load_config(path)
    for name in NAMES:
        stock(name)
    assert capsys.readouterr().err == ''


def test_a_hook_set_to_none_is_removed(tmp_path: Path) -> None:
    path = tmp_path / 'plain.py'
    hooks = 'default_hooks = dict(adversarial=None, timer=None)'
    path.write_text(f'_base_ = {str(DEMO)!r}\n{hooks}')
    cfg = load_config(path)
    # MMEngine adds a timer unless it is None.
    assert cfg.default_hooks.timer is None
    assert 'adversarial' not in cfg.default_hooks
    check_config(cfg, 'train')


@pytest.mark.parametrize('work_dir', ['file', 'file/run'])
def test_a_work_dir_that_is_a_file_is_refused(tmp_path, work_dir) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(
        InputError, match='cannot be made, because .*file is a'
    ):
        set_work_dir(load_config(DEMO), str(tmp_path / work_dir), 'c.py')

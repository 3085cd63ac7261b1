"""The rows, and what the demo suite changes in their configs."""

import re
from pathlib import Path

import pytest

from mmseg_da.errors import InputError
from mmseg_da.utils import load_config
from reproduction.demo_options import PARTS, demo_options
from reproduction.suites import (
    PAPER,
    ROWS,
    TABLES,
    list_rows,
    select_rows,
)

ROOT = Path(__file__).parents[3]
NONE = select_rows('table2')[0]


def test_rows_are_the_papers():
    in_rows = {(row.table, row.label) for row in ROWS if row.paper}
    in_paper = set()
    for table, content in PAPER.items():
        if table != 'classes':
            rows = content.get('rows', content)
            in_paper |= {(table, label) for label in rows}
    assert in_rows == in_paper
    assert len(in_paper) == 20
    own = [row.name for row in ROWS if not row.paper]
    assert own == ['deeplabv2_jitter_gta2cs', 'deeplabv2_adv_gta2cs']


def test_rows_have_configs_and_tables_of_their_own():
    assert all((ROOT / row.config).is_file() for row in ROWS)
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert list(dict.fromkeys(row.table for row in ROWS)) == list(TABLES)


def test_papers_numbers_by_row():
    by_name = {row.name: row.paper for row in ROWS}
    assert by_name['bisenet_crop_10e_gta2cs'] == {'mIoU': 12.36}
    weighted = by_name['bisenet_adv_dice-mf_gta2cs']
    assert (weighted['mIoU'], weighted['IoU']['car']) == (25.97, 68.58)
    assert by_name['bisenet_adv_focal-dice-a0.3_gta2cs']['mIoU'] == 22.06
    assert by_name['deeplabv2_ce_cityscapes']['params_M'] == 43.9


def test_only_selects_by_table_label_or_name():
    assert [row.label for row in select_rows('table3')] == ['adv']
    assert len(select_rows('table4')) == 7
    assert len(select_rows('deeplabv2_??_city')) == 2
    assert select_rows('table2/none') == [NONE]
    assert select_rows(NONE.name) == [NONE]
    assert len(select_rows()) == len(ROWS) == 22
    with pytest.raises(InputError, match='--only tabel4 matches no row'):
        select_rows('tabel4')


def test_the_page_lists_the_rows():
    """After a new row: python tools/reproduce.py --list."""
    assert list_rows() in (ROOT / 'docs/reproduce_paper.md').read_text()


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.name)
def test_demo_changes_only_data_size_length_and_weights(row):
    options = demo_options(row.config)
    small, full = load_config(row.config, options), load_config(row.config)
    for part in (*PARTS, 'test_dataloader'):
        assert not re.search(r"'data/(?!demo)", repr(small[part]))
    assert "type='Pretrained'" not in repr(small.model)
    loaders = [small.train_dataloader, small.val_dataloader]
    loaders.append(small.test_dataloader)
    hook = small.default_hooks.get('adversarial')
    if hook:
        loaders.append(hook.target_dataloader)
    for loader in loaders:
        dataset = loader.dataset
        assert '/data/demo/' in '/' + dataset.data_root
        sizes = dict(GTA5Dataset=(160, 90), CityscapesDataset=(128, 64))
        assert dataset.img_scale == sizes[dataset.type.split('.')[1]]
    short = 4 if 'deeplabv2' in row.name else 16
    epochs = 10 if '10e' in row.name else 50
    assert small.train_cfg.max_iters == (short * 5 if epochs == 50 else short)
    # All else is the row's.
    for key in ('optim_wrapper', 'param_scheduler', 'randomness'):
        assert small[key] == full[key]
    steps = full.train_dataloader.dataset.pipeline
    assert small.train_dataloader.dataset.pipeline == steps
    assert small.val_evaluator == full.val_evaluator
    unweighted = re.compile(r"'(class_weight|init_cfg)': .*?[,}]")
    for head in ('decode_head', 'auxiliary_head'):
        assert unweighted.sub('', repr(small.model.get(head))) == (
            unweighted.sub('', repr(full.model.get(head)))
        )
    if 'class_weight' in repr(full.model):
        assert repr(small.model).count('/demo/') == repr(full.model).count(
            'class_statistics.json'
        )


def test_demos_oracle_has_labels():
    cfg = load_config(
        'configs/cityscapes/bisenet_ce_cityscapes.py',
        demo_options('configs/cityscapes/bisenet_ce_cityscapes.py'),
    )
    prefix = cfg.train_dataloader.dataset.data_prefix
    assert prefix.img_path == 'leftImg8bit/train_labelled'
    assert prefix.seg_map_path == 'gtFine/train_labelled'
    assert cfg.val_dataloader.dataset.data_prefix.img_path.endswith('/val')

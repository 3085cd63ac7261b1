"""Every config loads, builds, and says what the paper says."""

import json
import math
from pathlib import Path

import pytest
import torch
from mmengine.fileio import load
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from tiny_data import write_image, write_label

from mmseg_da.registry import DATASETS, MODELS
from mmseg_da.utils import load_config
from reproduction.suites import ROWS

CONFIGS = Path(__file__).parents[1] / 'configs'
NAMES = sorted(
    path.relative_to(CONFIGS).as_posix()
    for path in CONFIGS.rglob('*.py')
    if '_base_' not in path.parts
)
EVALUATION = 'da/bisenet_adv_gta2cs_eval-1024x512.py'
WEIGHTS = [0.5, *[1.0] * 17, 9.0]
CITYSCAPES, GTA5 = 'cityscapes', 'gta5'
IMAGES = {GTA5: 2500, CITYSCAPES: 2072}


@pytest.fixture(autouse=True)
def statistics(tmp_path, monkeypatch):
    """Class weights of both data sets, found from the current folder."""
    monkeypatch.chdir(tmp_path)
    content = dict(
        classes=['x'] * 19,
        median_frequency_weights=WEIGHTS,
        pixel_counts=[1] * 19,
    )
    for dataset in (CITYSCAPES, GTA5):
        path = tmp_path / f'data/{dataset}/class_statistics.json'
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))


def heads_of(model):
    return [model.decode_head, *(model.get('auxiliary_head') or [])]


def losses_of(head) -> list:
    losses = head.loss_decode
    losses = losses if isinstance(losses, list) else [losses]
    return [
        (
            loss.type,
            loss.get('class_weight') and True,
            pytest.approx(loss.get('loss_weight', 1)),
        )
        for loss in losses
    ]


def test_every_config_is_in_a_metafile_of_its_folder():
    index = load(CONFIGS.parent / 'model-index.yml')['Import']
    found = []
    for path in index:
        metafile = load(CONFIGS.parent / path)
        collections = {one['Name'] for one in metafile['Collections']}
        for model in metafile['Models']:
            assert model['In Collection'] in collections
            assert Path(model['Config']).stem == model['Name']
            assert Path(model['Config']).parent == Path(path).parent
            found.append(model['Config'].removeprefix('configs/'))
        for collection in metafile['Collections']:
            assert (CONFIGS.parent / collection['README']).is_file()
    assert sorted(found) == NAMES


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.name)
def test_row_is_the_papers(row):
    """The config does what its metafile says."""
    recipe = row.recipe
    dataset = recipe['Training Data'].lower()
    losses = [
        (
            f'mmseg_da.{name}',
            True if name in recipe['Class Weights'] else None,
            weight,
        )
        for name, weight in recipe['Loss'].items()
    ]
    cfg = load_config(CONFIGS.parent / row.config)
    train = cfg.train_dataloader.dataset
    types = [step.type for step in train.pipeline]
    assert types[-1] == 'PackSegInputs'
    assert [name.split('.')[-1] for name in types[3:-1]] == (
        recipe['Augmentation']
    )
    batch = cfg.train_dataloader.batch_size
    assert batch == recipe['Batch Size']
    iterations = recipe['Epochs'] * IMAGES[dataset] / batch
    assert cfg.train_cfg.max_iters == math.ceil(iterations)
    for head in heads_of(cfg.model):
        assert losses_of(head) == losses
        for loss in (
            head.loss_decode if len(losses) > 1 else [head.loss_decode]
        ):
            path = f'data/{dataset}/class_statistics.json'
            assert loss.get('class_weight') in (None, path)
            if 'Focal' in loss.type:
                assert loss.gamma == 1
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.momentum) == ('SGD', 0.9)
    if recipe['Architecture'] == 'BiSeNet':
        assert len(heads_of(cfg.model)) == 3
        assert cfg.model.backbone.type == 'mmseg_da.BiSeNet'
        assert (optimizer.lr, optimizer.weight_decay) == (2.5e-2, 1e-4)
    else:
        assert len(heads_of(cfg.model)) == 1
        assert cfg.model.decode_head.type == 'mmseg_da.DeepLabV2Head'
        assert (optimizer.lr, optimizer.weight_decay) == (1e-3, 5e-4)
    (schedule,) = cfg.param_scheduler
    assert (schedule.type, schedule.power) == ('mmseg_da.PolyLR', 0.9)
    if dataset == GTA5:
        assert train.type == 'mmseg_da.GTA5Dataset'
        assert (train.img_scale, train.max_samples) == ((1280, 720), 2500)
    else:
        assert train.type == 'mmseg_da.CityscapesDataset'
        assert (train.img_scale, train.max_samples) == ((1024, 512), 2072)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.img_scale == (1024, 512)
        assert loader.dataset.data_prefix.img_path == 'leftImg8bit/val'
    assert cfg.default_hooks.checkpoint.save_best == 'mIoU'
    assert cfg.default_hooks.checkpoint.interval == cfg.train_cfg.val_interval
    adversarial = 'Unlabelled Data' in recipe
    assert ('adversarial' in cfg.default_hooks) == adversarial
    if adversarial:
        hook = cfg.default_hooks.adversarial
        assert hook.loss_weight == 1e-3
        optimizer = hook.optim_wrapper.optimizer
        assert (optimizer.type, optimizer.lr) == ('Adam', 1e-4)
        assert optimizer.betas == (0.9, 0.99)
        target = hook.target_dataloader.dataset
        assert target.data_prefix == dict(img_path='leftImg8bit/train')
        assert target.img_scale == (1024, 512)


def test_class_weights_are_found_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / 'project').mkdir()
    (tmp_path / 'data').rename(tmp_path / 'project/data')
    monkeypatch.setattr(
        'mmseg_da.utils.config.REPO_ROOT', tmp_path / 'project'
    )
    cfg = load_config(CONFIGS / 'cityscapes/bisenet_mf_cityscapes.py')
    found = tmp_path / 'project/data/cityscapes/class_statistics.json'
    for head in heads_of(cfg.model):
        assert head.loss_decode.class_weight == str(found)


def evaluation_of(row: str, folder: Path) -> Path:
    """The evaluation config with another row in place of its own."""
    text = (CONFIGS / EVALUATION).read_text()
    text = text.replace('./bisenet_adv_gta2cs.py', str(CONFIGS / row))
    text = text.replace('../_base_', str(CONFIGS / '_base_'))
    path = folder / 'evaluation.py'
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    'row',
    [
        'da/bisenet_adv_gta2cs.py',
        'cityscapes/bisenet_mf_cityscapes.py',
        'source_only/deeplabv2_jitter_gta2cs.py',
    ],
)
def test_evaluation_at_1024x512_changes_two_pipelines(row, tmp_path):
    cfg = load_config(CONFIGS / row).to_dict()
    changed = load_config(evaluation_of(row, tmp_path)).to_dict()
    pipeline = changed.pop('eval_pipeline')
    assert [step['type'] for step in pipeline] == [
        'mmseg_da.LoadImage',
        'mmseg_da.LoadTrainIds',
        'mmseg_da.ResizeToScale',
        'mmseg_da.EvaluateAtInputSize',
        'PackSegInputs',
    ]
    for loader in ('val_dataloader', 'test_dataloader'):
        cfg[loader]['dataset']['pipeline'] = pipeline
    assert changed == cfg


@pytest.mark.parametrize('loader', ['val_dataloader', 'test_dataloader'])
@pytest.mark.parametrize(
    ('name', 'shape'),
    [('da/bisenet_adv_gta2cs.py', (32, 64)), (EVALUATION, (512, 1024))],
)
def test_size_of_scored_labels(name, shape, loader, tmp_path):
    stem = 'val/ulm/ulm_000001_000019'
    root = tmp_path / 'data/cityscapes'
    write_image(root / f'leftImg8bit/{stem}_leftImg8bit.png', size=(64, 32))
    label = root / f'gtFine/{stem}_gtFine_labelIds.png'
    write_label(label, [[7] * 32 + [26] * 32], size=(64, 32))
    init_default_scope('mmseg')
    (sample,) = DATASETS.build(load_config(CONFIGS / name)[loader].dataset)
    assert sample['inputs'].shape == (3, 512, 1024)
    # A prediction is scored at ori_shape.
    assert sample['data_samples'].ori_shape == shape
    scored = sample['data_samples'].gt_sem_seg.data[0]
    height, width = shape
    assert scored.shape == shape
    assert (scored == 0).sum() == (scored == 13).sum() == height * width // 2


def different_models() -> dict:
    """A config's name for each model of its own."""
    models = {}
    for name in NAMES:
        model = load_config(CONFIGS / name).model
        models.setdefault(repr(model), name)
    return {name: key for key, name in models.items()}


def test_there_is_a_model_for_each_loss_and_network():
    # BiSeNet's CE and weighted CE, seven losses of Table 4, CE from scratch,
    # DeepLabV2's CE and weighted CE, the recipe's, the demo's and CARLA's
    # weighted CE, CE of CARLA's without weights, and both of these of
    # BiSeNet-R50.
    assert len(different_models()) == 18


@pytest.mark.parametrize('name', different_models())
def test_model_builds_and_all_its_heads_learn(name):
    cfg = load_config(CONFIGS / name)
    init_default_scope('mmseg')
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    in_training = {'deeplabv2': 43_901_068, 'bisenet-r50': 29_760_064}.get(
        Path(name).stem.split('_')[0], 12_068_672
    )
    assert sum(p.numel() for p in model.parameters()) == in_training
    if 'deeplabv2' in name:
        return
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    label = torch.randint(0, 19, (1, 32, 64))
    samples = [
        SegDataSample(
            gt_sem_seg=PixelData(data=label),
            metainfo=dict(img_shape=(32, 64), ori_shape=(32, 64)),
        )
        for _ in range(2)
    ]
    losses = model(torch.randn(2, 3, 32, 64), samples, mode='loss')
    short = {
        'CrossEntropyLoss': 'loss_ce',
        'FocalLoss': 'loss_focal',
        'DiceLoss': 'loss_dice',
    }
    names = [
        short[loss.split('.')[-1]]
        for loss, _, _ in losses_of(cfg.model.decode_head)
    ]
    # No head's loss takes another's place.
    assert {key for key in losses if 'loss' in key} == {
        f'{head}.{loss}'
        for head in ('decode', 'aux_0', 'aux_1')
        for loss in names
    }
    total, _ = model.parse_losses(losses)
    total.backward()
    assert 0 < total < 20
    for head in (model.decode_head, *model.auxiliary_head):
        assert head.conv_seg.weight.grad.abs().sum() > 0


def test_weights_of_the_file_reach_the_loss():
    init_default_scope('mmseg')
    cfg = load_config(CONFIGS / 'da/bisenet_adv_focal-dice-a0.3_gta2cs.py')
    head = MODELS.build(cfg.model.decode_head)
    dice, focal = head.loss_decode
    assert dice.class_weight.tolist() == WEIGHTS
    assert focal.class_weight is None
    assert (dice.loss_weight, focal.loss_weight) == (0.3, 0.7)

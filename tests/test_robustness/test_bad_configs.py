"""Every kind of bad config and option ends in one sentence that names it."""

import re
from pathlib import Path

import pytest
from sentence import sentence

from launch import check_config
from mmseg_da.errors import InputError
from mmseg_da.utils import explain_build_errors, load_config

HOOK = 'default_hooks.adversarial'
TARGET = f'{HOOK}.target_dataloader.dataset'
SOURCE = 'train_dataloader.dataset'

# Options of tools/train.py, and what the sentence must say.
TRAIN = {
    # Missing keys.
    'model=None': r'tiny\.py has no model, which is needed to train: add it',
    'train_dataloader=None': r'has no train_dataloader, which is needed to',
    'train_cfg=None': r'has no train_cfg, which is needed to train',
    'optim_wrapper=None': r'has no optim_wrapper, which is needed to train',
    f'{SOURCE}=None': r'key train_dataloader\.dataset is None \(NoneType\)',
    'train_dataloader.sampler=None': r'train_dataloader\.sampler is None',
    'val_dataloader.dataset=None': r'key val_dataloader\.dataset is None',
    # Wrong types.
    'model=BiSeNet': r"key model is 'BiSeNet' \(str\), but it must be a dict",
    'optim_wrapper=7': r'key optim_wrapper is 7 \(int\), but it must be a',
    'val_dataloader=x': r"key val_dataloader is 'x' \(str\), but it must be",
    'default_scope=3': r'key default_scope is 3 \(int\), but it must be a',
    'model.backbone.type=3': r'key model\.backbone\.type is 3 \(int\)',
    'load_from=3': r'key load_from is 3 \(int\), but it must be the path',
    'default_hooks=3': r'key default_hooks is 3 \(int\), but it must be a dic',
    f'{HOOK}=3': r'key default_hooks\.adversarial is 3 \(int\), but it must b',
    f'{HOOK}.discriminator=None': r'adversarial\.discriminator is None \(None',
    f'{HOOK}.discriminator=x': r"adversarial\.discriminator is 'x' \(str\)",
    f'{HOOK}.optim_wrapper=None': r'adversarial\.optim_wrapper is None \(None',
    f'{HOOK}.optim_wrapper.optimizer=None': (
        r'key default_hooks\.adversarial\.optim_wrapper\.optimizer is None'
    ),
    f'{HOOK}.param_scheduler=x': (
        r"adversarial\.param_scheduler is 'x' \(str\), but it must be a dict, "
        r'a list of dicts or None'
    ),
    f'{HOOK}.output_index=x': (
        r"output_index is 'x' \(str\), but it must be a whole number of at le"
    ),
    f'{HOOK}.target_dataloader=None': (
        r'key default_hooks\.adversarial\.target_dataloader is None \(NoneType'
    ),
    f'{HOOK}.target_dataloader.batch_size=None': (
        r'target_dataloader\.batch_size is None .* number of at least 1'
    ),
    f'{TARGET}=None': (
        r'key default_hooks\.adversarial\.target_dataloader\.dataset is None '
        r'\(NoneType\), but it must be a dict'
    ),
    'optim_wrapper.optimizer=None': r'key optim_wrapper\.optimizer is None',
    'param_scheduler=x': r"key param_scheduler is 'x' \(str\), but it must be",
    'param_scheduler.0.power=x': (
        r"key param_scheduler\.0\.power is 'x' \(str\), but it must be a numb"
    ),
    'randomness=3': r'key randomness is 3 \(int\), but it must be a dict',
    'randomness=None': r'key randomness is None \(NoneType\), but it must be',
    'randomness.sed=3': r'randomness\.sed is 3 .* left out: randomness has se',
    'env_cfg=3': r'key env_cfg is 3 \(int\), but it must be a dict',
    'env_cfg.mp_cfg=3': r'key env_cfg\.mp_cfg is 3 \(int\), but it must be a',
    'custom_hooks=3': r'key custom_hooks is 3 \(int\), but it must be a list',
    'custom_hooks=[3]': r'key custom_hooks is \[3\] \(list\), but it must be',
    'visualizer=3': r'key visualizer is 3 \(int\), but it must be a dict or N',
    'auto_scale_lr=3': r'key auto_scale_lr is 3 \(int\), but it must be a dic',
    'log_processor=3': r'key log_processor is 3 \(int\), but it must be a dic',
    'log_processor.window_size=x': r"log_processor\.window_size is 'x' \(str",
    'log_level=LOUD': r"key log_level is 'LOUD' \(str\), .* a level like INFO",
    'log_level=None': r'key log_level is None \(NoneType\), but it must be a',
    'default_hooks.checkpoint.interval=x': (
        r"key default_hooks\.checkpoint\.interval is 'x' \(str\), but it must "
        r'be a whole number of at least -1'
    ),
    'default_hooks.checkpoint.max_keep_ckpts=x': r"max_keep_ckpts is 'x' \(st",
    'default_hooks.logger.interval=x': r"logger\.interval is 'x' \(str\), but",
    'train_cfg.val_interval=None': r'train_cfg\.val_interval is None \(None',
    'val_cfg=x': r"key val_cfg is 'x' \(str\), but it must be a dict or None",
    'val_evaluator=x': r"val_evaluator is 'x' \(str\), but it must be a dict,",
    'model.init_cfg=3': r'model\.init_cfg is 3 \(int\), .* a dict with a type',
    'model.init_cfg=[3]': r'key model\.init_cfg is \[3\] \(list\), but it mus',
    'model.test_cfg=3': r'key model\.test_cfg is 3 \(int\), but it must be a',
    f'{SOURCE}.pipeline=3': r'dataset\.pipeline is 3 \(int\), .* list of dict',
    'randomness.seed=x': r"key randomness\.seed is 'x' \(str\), but it must",
    'randomness.seed=1.5': r'key randomness\.seed is 1\.5 \(float\)',
    'randomness.seed=-1': r'randomness\.seed is -1 .* number of at least 0',
    # Unknown types.
    'model.backbone.type=mmseg_da.BiSenet': (
        r"model\.backbone\.type is 'mmseg_da\.BiSenet', which is not "
        r'registered: did you mean mmseg_da\.BiSeNet'
    ),
    'model.type=EncoderDecodr': r'not registered: did you mean EncoderDecoder',
    f'{SOURCE}.type=mmseg_da.GTA6Dataset': r'did you mean mmseg_da\.GTA5Data',
    'optim_wrapper.optimizer.type=SDG': r"optimizer\.type is 'SDG', which is",
    f'{HOOK}.type=nowhere.Hook': r"type is 'nowhere\.Hook', which is not",
    # Numbers out of range.
    'train_cfg.max_iters=0': r'max_iters is 0 .* whole number of at least 1',
    'train_cfg.max_iters=-5': r'key train_cfg\.max_iters is -5 \(int\)',
    'train_cfg.max_iters=2.5': r'key train_cfg\.max_iters is 2\.5 \(float\)',
    'train_cfg.max_iters=many': r"key train_cfg\.max_iters is 'many' \(str\)",
    'train_cfg.val_interval=0': r'key train_cfg\.val_interval is 0 \(int\)',
    'train_dataloader.batch_size=0': r'train_dataloader\.batch_size is 0',
    'train_dataloader.batch_size=-2': r'train_dataloader\.batch_size is -2',
    'train_dataloader.num_workers=-1': r'num_workers is -1 .* at least 0',
    f'{HOOK}.loss_weight=-1': r'adversarial\.loss_weight is -1 .* at least 0',
    f'{HOOK}.loss_weight=nan': r'loss_weight is nan \(float\), but it must',
    f'{HOOK}.loss_weight=much': r"loss_weight is 'much' \(str\)",
    f'{HOOK}.loss_weight=1e999': r'loss_weight is inf \(float\), but it must',
    'model.decode_head.loss_decode.loss_weight=-1': (
        r'key model\.decode_head\.loss_decode\.loss_weight is -1 \(int\)'
    ),
    'model.decode_head.num_classes=0': r'decode_head\.num_classes is 0 \(int',
    # Contradictions.
    'model.decode_head.num_classes=7': (
        r'numbers of classes contradict each other: '
        r'model\.decode_head\.num_classes is 7, .*in_channels is 19'
    ),
    f'{HOOK}.discriminator.in_channels=5': (
        r'num_classes is 19, .*discriminator\.in_channels is 5; set all to'
    ),
    'val_dataloader.dataset.metainfo.classes=[road,sky]': (
        r'val_dataloader\.dataset has the classes road, sky, but train_data'
        r'loader\.dataset has road, .*, \.\.\. \(19\): give both'
    ),
    'model.data_preprocessor.size=(64,64)': (
        r'sets size and size_divisor of size and size_divisor: training'
    ),
    'model.data_preprocessor.size_divisor=None': (
        r'model\.data_preprocessor sets neither of size and size_divisor'
    ),
    'train_dataloader.persistent_workers=True': (
        r'train_dataloader\.persistent_workers is True and .*num_workers is 0'
    ),
    'val_dataloader=None': (
        r'has val_cfg and val_evaluator, but no val_dataloader: set all of'
    ),
    'val_cfg=None': (
        r'has val_dataloader and val_evaluator, but no val_cfg: set all of '
        r'val_dataloader, val_cfg, val_evaluator, or all to None\.'
    ),
    'test_evaluator=None': r'test_cfg, but no test_evaluator: set all of',
    # Unknown keys.
    'train_dataloader.speed=3': (
        r'key train_dataloader\.speed is unknown to a data loader: remove it\.'
    ),
    'val_dataloader.num_worker=3': r'loader: did you mean num_workers, or re',
    # Files.
    'model.pretrained=no.pth': (
        r"key model\.pretrained is 'no\.pth', which is no file: give a \.pth "
        r'file .*--cfg-options model\.pretrained=None'
    ),
    'load_from=nothing.pth': r'The checkpoint nothing\.pth does not exist',
}
# Options that only the constructors can judge.
BUILD = {
    'model.decode_head.colour=red': (
        r'key model\.decode_head \(type mmseg_da\.BiSeNetHead\) cannot be '
        r"built: .* unexpected keyword argument 'colour'; check its arguments"
    ),
    'model.backbone.context_path.depth=19': (
        r'key model\.backbone\.context_path \(type ResNet\) cannot be built: '
        r'invalid depth 19 for resnet'
    ),
    'model.decode_head.channels=wide': r'key model\.decode_head \(type mmseg',
    f'{SOURCE}.img_scale=5': (
        r'GTA5Dataset\.img_scale is 5, but it must be \(width, height\)'
    ),
    f'{SOURCE}.img_scale=(64,-32)': r'img_scale is \(64, -32\), but it must',
    f'{SOURCE}.img_scale=(64.5,32)': r'img_scale is \(64\.5, 32\), but it',
    f'{SOURCE}.max_samples=0': r'max_samples is 0, but it must be at least 1',
    f'{SOURCE}.max_samples=few': r"max_samples is 'few', but it must be",
    f'{SOURCE}.ids=[77]': r'ids has 00077, but the frames in .* are 00000, ',
    f'{SOURCE}.ids=[]': r'ids has no frame, but the frames in',
    f'{SOURCE}.ids=3': r'ids is 3, but it must be a list of frames',
    'val_dataloader.dataset.cities=5': r'cities is 5, but it must be a list',
    f'{SOURCE}.data_root=nowhere': (
        r"looked for images in 'nowhere/images', which is not a folder"
    ),
    f'{SOURCE}.ann_file=nothing.txt': r"ann_file '.*nothing\.txt' cannot be",
    f'{SOURCE}.data_prefix.img_path=labels2': r"'.*labels2', which is not a",
    f'{SOURCE}.seg_map_suffix=.bmp': r'00000\.png has no label .*00000\.bmp',
    f'{SOURCE}.img_suffix=.jpg': r"found no file '\*\.jpg' in '.*images'",
    f'{SOURCE}.shuffled=True': (
        r'train_dataloader\.dataset \(type mmseg_da\.GTA5Dataset\) cannot be '
        r"built: .* unexpected keyword argument 'shuffled'"
    ),
    'optim_wrapper.optimizer.lr=-1': (
        r'key optim_wrapper\.optimizer \(type SGD\) cannot be built: Invalid '
        r'learning rate: -1'
    ),
    'val_dataloader.dataset.cities=[paris]': (
        r'cities has paris, but the cities in .*val.* are ulm'
    ),
    f'{TARGET}.cities=[paris]': r'cities has paris, but the cities in .*train',
    f'{HOOK}.optim_wrapper.optimizer.lr=fast': (
        r'key default_hooks\.adversarial\.optim_wrapper\.optimizer \(type Adam'
    ),
}
# Whole files.
FILES = {
    'syntax error': ('model = dict(', r"SyntaxError: '\(' was never closed"),
    'undefined name': ('model = dict(a=b)', r'NameError: name .b. is not def'),
    'exception': ('1 / 0', r'ZeroDivisionError: division by zero'),
    'missing base': ("_base_ = './no.py'", r'FileNotFoundError: .*no\.py'),
    'binary': ('\x00\x01', r'null bytes|ValueError|SyntaxError'),
    'list replaced by a dict': (
        "_base_ = './tiny.py'\nmodel = dict(init_cfg=[1])\n"
        'train_dataloader = dict(dataset=dict(pipeline=dict(a=1)))',
        r'TypeError: .*pipeline',
    ),
}
ARGUMENTS = {
    'no equals sign': ('model', r"'model' is not of the form key"),
    'no key': ('=3', r"'=3' is not of the form key"),
    'list index': (
        f'{SOURCE}.pipeline.99.type=x',
        r'--cfg-options .*pipeline\.99\.type=x do not fit the config',
    ),
    'key of a list': (
        f'{SOURCE}.pipeline.first.type=x',
        r'--cfg-options .*pipeline\.first\.type=x do not fit the config',
    ),
}


def check(tools, config, option: str, text: str) -> None:
    words = [str(config), '--work-dir', 'w', '--cfg-options', option]
    with pytest.raises(InputError) as error:
        tools['train'](words)
    assert re.search(text, sentence(error.value)), error.value


@pytest.mark.parametrize('option', TRAIN)
def test_before_anything_is_built(tools, config, folder, option) -> None:
    check(tools, config, option, TRAIN[option])
    assert not list(folder.iterdir())


@pytest.mark.parametrize('option', BUILD)
def test_while_building(tools, config, folder, option) -> None:
    check(tools, config, option, BUILD[option])
    assert [path.name for path in folder.iterdir()] == ['w']


def test_validation_without_labels(tools, config, folder: Path) -> None:
    (folder / 'a.py').write_text(
        f'_base_ = {str(config)!r}\nval_dataloader = dict(dataset=dict(\n'
        "    pipeline=[dict(type='PackSegInputs')]))"
    )
    text = r'val_dataloader\.dataset\.pipeline loads no labels, with which val'
    check(tools, 'a.py', 'val_cfg.fp16=False', text)


def test_no_validation_is_no_error(tools, config, folder: Path) -> None:
    keys = ('val_dataloader', 'val_cfg', 'val_evaluator')
    options = [f'{key}=None' for key in keys]
    tools['train']([str(config), '--work-dir', 'w', '--cfg-options', *options])
    assert Path('w/iter_2.pth').is_file()


@pytest.mark.parametrize(
    'value, text',
    [
        ('None', r'has no optim_wrapper, which is needed to train'),
        ('7', r'key optim_wrapper is 7 \(int\), but it must be a dict\.'),
    ],
)
def test_amp_without_an_optim_wrapper(
    tools, config, folder: Path, value: str, text: str
) -> None:
    words = [str(config), '--amp', '--cfg-options', f'optim_wrapper={value}']
    with pytest.raises(InputError) as error:
        tools['train'](words)
    assert re.search(text, sentence(error.value)), error.value


@pytest.mark.parametrize('name', FILES)
def test_file(tools, config, folder: Path, name: str) -> None:
    content, text = FILES[name]
    (folder / 'tiny.py').symlink_to(config)
    (folder / 'bad.py').write_text(content)
    with pytest.raises(InputError) as error:
        tools['train'](['bad.py'])
    said = sentence(error.value)
    assert said.startswith('The config bad.py cannot be loaded (')
    assert re.search(text, said), said


def test_no_config(tools, folder: Path) -> None:
    (folder / 'folder.py').mkdir()
    (folder / 'text.md').write_text('# Not a config')
    for name, text in (
        ('nothing.py', 'The config nothing.py does not exist, neither here'),
        ('folder.py', 'The config folder.py does not exist, neither here'),
        ('text.md', 'The config text.md cannot be loaded (OSError: Only'),
    ):
        with pytest.raises(InputError) as error:
            tools['train']([name])
        assert sentence(error.value).startswith(text)


@pytest.mark.parametrize('name', ARGUMENTS)
def test_argument(tools, config, folder, capsys, name: str) -> None:
    option, text = ARGUMENTS[name]
    with pytest.raises((InputError, SystemExit)) as error:
        tools['train']([str(config), '--cfg-options', option])
    said = str(error.value) + capsys.readouterr().err
    assert re.search(text, said), said


@pytest.mark.parametrize(
    'key', ['model', 'test_dataloader', 'test_cfg', 'test_evaluator']
)
def test_missing_for_testing(tools, config, folder, key: str) -> None:
    words = [str(config), 'a.pth', '--cfg-options', f'{key}=None']
    with pytest.raises(InputError, match=f'no {key}, which is needed to test'):
        tools['test'](words)


def test_clean_config_and_every_config_pass(config) -> None:
    root = Path(__file__).parents[2] / 'configs'
    paths = [config, *root.glob('[a-z]*/*.py')]
    assert len(paths) > 5
    for path in paths:
        for purpose in ('train', 'test'):
            check_config(load_config(path), purpose)


def test_other_errors_stay_as_they_are(config) -> None:
    """A bug is no bad config: its stack trace is wanted."""
    with (
        pytest.raises(TypeError, match='a bug'),
        explain_build_errors(load_config(config)),
    ):
        raise TypeError('a bug')

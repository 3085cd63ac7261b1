"""tools/test.py: what --out, --show-dir and --launcher do."""

import itertools
import json
import socket
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.runner import Runner

from mmseg_da.apis import build_segmentor
from mmseg_da.deploy import FastSegmentor
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config

IMAGES = ['ulm_0_leftImg8bit', 'ulm_1_leftImg8bit']
METRIC = "dict(type='mmseg_da.IoUMetric', iou_metrics=['mIoU'])"
OTHER = METRIC.replace(')', ", prefix='other')")
STOCK = 'Evaluating the segmentor as MMSegmentation has it'
_run_numbers = itertools.count()


@pytest.fixture(scope='module')
def model(config: Path):
    """A model that sees several classes in every image."""
    torch.manual_seed(0)
    model = build_segmentor(load_config(config))
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)
    return model.eval()


@pytest.fixture
def evaluate(tools, config: Path, model, folder: Path):
    """Runs the tool on the model, with more lines of the config."""
    torch.save({'state_dict': model.state_dict()}, 'a.pth')

    def run(*words: str, more: str = '') -> None:
        # Visualizers of one name would share their folder.
        name = f'test_{next(_run_numbers)}'
        text = f'_base_ = {str(config)!r}\n{more}\nexperiment_name = {name!r}'
        text += f'\nvisualizer = dict(name={name!r})'
        (folder / 'more.py').write_text(text)
        tools['test'](['more.py', 'a.pth', '--work-dir', 'w', *words])

    return run


def assert_predictions(out: Path, config: Path, model) -> None:
    """One PNG per image, of the train ids that the model predicts."""
    assert sorted(path.name for path in out.iterdir()) == [
        f'{name}.png' for name in IMAGES
    ]
    loader = Runner.build_dataloader(load_config(config).test_dataloader)
    with torch.no_grad():
        samples = [s for batch in loader for s in model.test_step(batch)]
    for sample in samples:
        ids = sample.pred_sem_seg.data[0]
        assert len(ids.unique()) > 1
        written = cv2.imread(
            str(out / f'{Path(sample.img_path).stem}.png'),
            cv2.IMREAD_UNCHANGED,
        )
        assert written.tolist() == ids.tolist()


SCORED_AT_INPUT_SIZE = """
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='mmseg_da.LoadImage'),
    dict(type='mmseg_da.LoadTrainIds'),
    dict(type='mmseg_da.ResizeToScale'),
    dict(type='mmseg_da.EvaluateAtInputSize'),
    dict(type='PackSegInputs')]))
"""
EVALUATORS = {
    'one': '',
    'list': f'test_evaluator = [{METRIC}, {OTHER}]',
    'metrics': (
        f"test_evaluator = dict(_delete_=True, type='Evaluator', "
        f'metrics=[{METRIC}])'
    ),
}


def test_the_teacher_predicts_instead(
    evaluate, config: Path, model, folder: Path
) -> None:
    """The file's own weights predict one class everywhere."""
    state = model.state_dict()
    own = {name: torch.zeros_like(value) for name, value in state.items()}
    teacher = {f'module.{name}': value for name, value in state.items()}
    adaptation = dict(teacher=dict(teacher, steps=torch.tensor(3)))
    torch.save(dict(state_dict=own, adaptation=adaptation), 'a.pth')
    evaluate('--out', 'out', '--teacher')
    assert_predictions(folder / 'out', config, model)


@pytest.mark.parametrize('name', EVALUATORS)
def test_out_holds_the_predicted_train_ids(
    evaluate, config: Path, model, folder: Path, name: str
) -> None:
    evaluate('--out', 'out', more=EVALUATORS[name])
    assert_predictions(folder / 'out', config, model)


def test_out_replaces_no_file_and_no_prediction(
    evaluate, config: Path, folder: Path, data: Path
) -> None:
    images = data / 'cityscapes/leftImg8bit/val/ulm'
    with pytest.raises(InputError, match='inside the input folder'):
        evaluate('--out', str(images))
    twice = (
        "test_dataloader = dict(dataset=dict(_delete_=True, type='ConcatDa"
        "taset', datasets=[_base_.test_dataloader.dataset] * 2))"
    )
    with pytest.raises(
        InputError, match=f'2 test images are named {IMAGES[0]}'
    ):
        evaluate('--out', 'out', more=twice)


def test_out_of_a_metric_that_writes_none_is_an_error(evaluate) -> None:
    more = (
        f"test_evaluator = [{METRIC}, dict(type='DumpResults', "
        "out_file_path='x.pkl')]"
    )
    with pytest.raises(InputError, match=r'test_evaluator\.1 .*output_dir'):
        evaluate('--out', 'out', more=more)


@pytest.mark.parametrize(
    'missing',
    [
        'nothing',
        'default_hooks.visualization',
        'default_hooks',
        'visualizer.vis_backends',
        'visualizer',
    ],
)
def test_show_dir_holds_a_picture_of_each_image(
    evaluate, data: Path, folder: Path, missing: str
) -> None:
    evaluate('--show-dir', 'painted', '--cfg-options', f'{missing}=None')
    pictures = sorted((folder / 'painted').rglob('*.png'))
    assert len(pictures) == len(IMAGES)
    for picture, stem in zip(pictures, IMAGES):
        assert picture.name.startswith(f'test_{stem}')
        image = cv2.imread(
            str(data / f'cityscapes/leftImg8bit/val/ulm/{stem}.png')
        )
        # The prediction is the last of what stands side by side.
        width = image.shape[1]
        painted = cv2.imread(str(picture))
        assert len(painted) == len(image)
        assert painted.shape[1] % width == 0
        assert (painted[:, -width:] != image).any()


def test_show_dir_paints_labels_scored_at_the_input_size(
    evaluate, folder: Path
) -> None:
    evaluate('--show-dir', 'painted', more=SCORED_AT_INPUT_SIZE)
    pictures = sorted((folder / 'painted').rglob('*.png'))
    assert len(pictures) == len(IMAGES)
    # Label and prediction side by side.
    assert cv2.imread(str(pictures[0])).shape == (32, 2 * 64, 3)


def test_the_config_of_the_training_stays(evaluate, folder: Path) -> None:
    (folder / 'w').mkdir()
    (folder / 'w/more.py').write_text('# of the training')
    evaluate()
    assert (folder / 'w/more.py').read_text() == '# of the training'
    (dumped,) = (folder / 'w').glob('2*.py')
    assert 'test_dataloader' in dumped.read_text()


def test_nothing_more_is_written_without_the_flags(
    evaluate, folder: Path
) -> None:
    evaluate()
    assert not list(folder.rglob('*.png'))
    assert {p.name for p in folder.iterdir()} == {'a.pth', 'more.py', 'w'}


def test_launched_process_evaluates_without_a_gpu(
    evaluate, config: Path, model, folder: Path, monkeypatch
) -> None:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    variables = dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=port, RANK=0)
    variables.update(WORLD_SIZE=1, LOCAL_RANK=0)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr('launch.start.get_device', lambda: 'cpu')
    try:
        evaluate('--launcher', 'pytorch', '--out', 'out')
        assert torch.distributed.get_backend() == 'gloo'
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    assert_predictions(folder / 'out', config, model)


def results(work_dir: Path) -> tuple[dict, str]:
    """The metrics and the log of a run."""
    (metrics,) = work_dir.glob('*/*.json')
    (log,) = work_dir.glob('*/*.log')
    return json.loads(metrics.read_text()), log.read_text()


ONE_BY_ONE = "log_level = 'INFO'\ntest_dataloader = dict(batch_size=1)"
SLIDE = "dict(mode='slide', crop_size=(32, 32), stride=(16, 16))"


def test_fast_form_is_taken_and_scores_the_same(
    evaluate, folder: Path, monkeypatch
) -> None:
    calls = []
    forward = FastSegmentor.forward

    def counted(self, *args, **kwargs):
        calls.append(1)
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(FastSegmentor, 'forward', counted)
    evaluate('--work-dir', 'fast', '--fast', more=ONE_BY_ONE)
    # One more, to compare on the first.
    assert len(calls) == len(IMAGES) + 1
    evaluate('--work-dir', 'stock', more=ONE_BY_ONE)
    # Numbers come from MMSegmentation's own path unless asked otherwise.
    assert len(calls) == len(IMAGES) + 1
    (ours, log), (theirs, _) = results(Path('fast')), results(Path('stock'))
    assert log.count('Evaluating the fast form of the segmentor.') == 1
    assert ours.keys() == theirs.keys()
    assert abs(ours['mIoU'] - theirs['mIoU']) <= 0.01
    assert theirs['mIoU'] > 0


@pytest.mark.parametrize(
    'more, reason',
    [
        ("model = dict(type='mmseg_da.CRFEncoderDecoder')", 'not CRFEncoder'),
        (f'model = dict(test_cfg={SLIDE})', "mode is 'slide'"),
        (
            'model = dict(data_preprocessor=dict(test_cfg=dict('
            'size_divisor=48)))',
            'which pads',
        ),
        (
            f"test_evaluator = [{METRIC}, dict(type='DumpResults', "
            "out_file_path='x.pkl')]",
            'DumpResults may need the logits',
        ),
        ('test_cfg = dict(fp16=True)', 'fp16=True'),
    ],
)
def test_stock_segmentor_where_the_fast_form_does_not_fit(
    evaluate, folder: Path, more: str, reason: str
) -> None:
    evaluate('--fast', more=f'{ONE_BY_ONE}\n{more}')
    metrics, log = results(Path('w'))
    assert 'mIoU' in metrics
    assert f'{STOCK}: ' in log and reason in log


def test_stock_segmentor_where_the_fast_form_disagrees(
    evaluate, folder: Path, monkeypatch
) -> None:
    monkeypatch.setattr(
        FastSegmentor, 'logits', lambda self, images: -self.network(images)
    )
    evaluate('--fast', more=ONE_BY_ONE)
    log = results(Path('w'))[1]
    assert STOCK in log and 'the fast form has the same class at only' in log

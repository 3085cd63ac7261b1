"""tools/train.py: two equal runs, their record, and two processes."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from tiny_data import write_label
from train_server import REPO, SIZE, TrainServer, write_experiment

from launch import set_launcher
from mmseg_da.errors import InputError
from mmseg_da.utils.safe_load import weights_only_loading

# What halves of a batch do not share is left out: batch statistics, which are
# frozen at others than BatchNorm starts from, and dropout, which the main
# config has not either. The losses are the main config's. What is said of the
# discriminator is said in any case.
JOINABLE = """
import mmengine
import torch


@mmengine.registry.HOOKS.register_module(force=True)
class FreezeBN(mmengine.hooks.Hook):
    def before_train(self, runner):
        draw = torch.Generator().manual_seed(0)
        for norm in self.norms(runner):
            norm.running_mean.normal_(0, 0.1, generator=draw)
            norm.running_var.uniform_(0.5, 2, generator=draw)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        for norm in self.norms(runner):
            norm.eval()

    def norms(self, runner):
        kind = torch.nn.BatchNorm2d
        return [m for m in runner.model.modules() if isinstance(m, kind)]


custom_hooks.append(dict(type='FreezeBN'))
for head in model['auxiliary_head']:
    head.update(
        dropout_ratio=0, loss_decode=dict(type='mmseg_da.CrossEntropyLoss')
    )
del head, FreezeBN
default_hooks['divergence'] = dict(window=3)
default_hooks['adversarial']['collapsed_within'] = 1.0
"""


@pytest.fixture(scope='module')
def server():
    with TrainServer() as server:
        yield server


def load(path):
    with weights_only_loading():
        return torch.load(path, map_location='cpu', weights_only=True)


def difference(ours, theirs):
    assert ours.keys() == theirs.keys()
    return max(
        (ours[name].double() - theirs[name].double()).abs().max().item()
        for name in ours
    )


def test_two_runs_of_a_seed_agree_and_are_on_record(server, tmp_path):
    config = write_experiment(tmp_path)
    short = ['--cfg-options', 'train_cfg.max_iters=3']
    folders = [tmp_path / 'one', tmp_path / 'two', tmp_path / 'other']
    for folder in folders:
        seed = [f'randomness.seed={int(folder.name == "other")}']
        words = [config, '--work-dir', folder, *short, *seed]
        log = tmp_path / f'{folder.name}.log'
        answer = server.run(words, log)
        assert answer['status'] == 0, log.read_text()[-3000:]
    one, two, other = (load(folder / 'iter_3.pth') for folder in folders)
    assert difference(one['state_dict'], two['state_dict']) == 0
    parts = [x['adversarial']['discriminator'] for x in (one, two, other)]
    assert difference(parts[0], parts[1]) == 0
    # It is the seed that makes them equal.
    assert difference(one['state_dict'], other['state_dict']) > 1e-3
    assert difference(parts[0], parts[2]) > 1e-3

    # Resumed when done: one more start on record, nothing trained.
    words = [config, '--work-dir', folders[0], '--resume', *short]
    assert server.run(words, tmp_path / 'more.log')['status'] == 0
    first, second = json.loads((folders[0] / 'run.json').read_text())
    assert 'tools/train.py' in first['command']
    assert 'train_cfg.max_iters=3' in first['command']
    assert (first['resumed_from'], first['seed']) == (None, 0)
    assert second['resumed_from'] == str(folders[0] / 'iter_3.pth')
    assert ' --resume ' in second['command']
    environment = first['environment']
    assert environment['PyTorch'] == torch.__version__
    assert environment.keys() >= {'mmseg_da', 'MMEngine', 'MMSegmentation'}
    head = subprocess.run(
        ['git', 'rev-parse', 'HEAD'], cwd=REPO, capture_output=True, text=True
    ).stdout.strip()
    if head:
        assert len(first['git']['commit']) == len(head)
        assert isinstance(first['git']['changed'], list)
    # The whole config, which can be used again.
    kept = Config.fromfile(folders[0] / 'tiny.py')
    assert kept.train_cfg.max_iters == 3
    assert kept.model.decode_head.type == 'mmseg_da.BiSeNetHead'
    assert kept.randomness.seed == 0
    log, *_ = sorted(folders[0].glob('2*/*.log'))
    assert 'seed: 0' in log.read_text()


def test_torchrun_on_two_cpus_equals_one_process(server, tmp_path):
    """With frozen BN, on the joined batch, to 1e-6; logs and files once."""
    config = write_experiment(tmp_path, JOINABLE)
    # Both ranks average over equally many labelled pixels, and not over all.
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 34, SIZE[0] * SIZE[1])
    for path in sorted((tmp_path / 'data/gta5/labels').iterdir()):
        label = rng.permutation(ids).reshape(SIZE[::-1])
        write_label(path, label, 'P', SIZE)
    short = ['--cfg-options', 'train_cfg.max_iters=3']
    options = [*short, 'train_dataloader.batch_size=1']
    torchrun = [sys.executable, '-W', 'ignore', '-m', 'torch.distributed.run']
    torchrun += ['--standalone', '--nproc-per-node', '2']
    run = subprocess.run(
        [
            *torchrun,
            REPO / 'tools/train.py',
            config,
            *('--work-dir', tmp_path / 'two', '--launcher', 'pytorch'),
            *options,
        ],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    _check_console(run.stdout, run.stderr, tmp_path / 'two')
    words = [config, '--work-dir', tmp_path / 'one', *short]
    log = tmp_path / 'log'
    assert server.run(words, log)['status'] == 0, log.read_text()[-3000:]

    two, one = (
        load(tmp_path / name / 'iter_3.pth') for name in ('two', 'one')
    )
    for part in 'state_dict', 'ema_state_dict':
        assert difference(two[part], one[part]) <= 1e-6
    discriminators = [x['adversarial']['discriminator'] for x in (two, one)]
    assert difference(*discriminators) <= 1e-6
    # Said by one of the ranks, after a reduction over both.
    (said,), (expected,) = (
        re.findall('The discriminator knows nothing.*', text)
        for text in (run.stdout, log.read_text())
    )
    assert said == expected
    # BatchNorm stayed as it was set, at no trivial statistics.
    for name, value in one['state_dict'].items():
        if name.endswith('num_batches_tracked'):
            assert value == 0
        elif name.endswith('running_var'):
            assert (value - 1).abs().max() > 0.1
    # Something was learnt: the averaged weights are not the last.
    last = {f'module.{k}': v for k, v in one['state_dict'].items()}
    last['steps'] = one['ema_state_dict']['steps']
    assert difference(last, one['ema_state_dict']) > 1e-4
    assert len(two['resume']['random_states']) == 2
    assert run.stdout.count('Saving checkpoint at 3 iterations') == 1
    assert len(list((tmp_path / 'two').glob('2*/*.log'))) == 1
    (scalars,) = (tmp_path / 'two').glob('2*/vis_data/scalars.json')
    steps = [json.loads(line)['step'] for line in scalars.open()]
    assert steps == [1, 2, 3, 3]
    assert (
        json.loads((tmp_path / 'two/run.json').read_text())[0]['processes']
        == 2
    )


def _check_console(stdout, stderr, work_dir):
    """What concerns a user is said once; the rest is in the log file."""
    assert 'UserWarning' not in stderr
    assert 'OneDL' not in stdout
    (log,) = work_dir.glob('2*/*.log')
    for text in ('System environment:', 'Config:\n', 'Hooks will be executed'):
        assert text not in stdout
        assert log.read_text().count(text) == 1
    said = 'Training EncoderDecoder on GTA5Dataset in .*, adapted to Citys'
    assert len(re.findall(said, stdout)) == 1
    assert len(re.findall('Trained to iteration', stdout)) == 1
    last = stdout.strip().splitlines()[-1]
    assert re.fullmatch(
        'Trained to iteration 3: validation mIoU .*, at best .*'
        rf'best_mIoU_iter_3.pth. Checkpoints are in {work_dir}, .*',
        last,
    )


def test_slurm_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr('launch.start.get_device', lambda: 'cpu')
    with pytest.raises(InputError, match='slurm found no GPU: .* torchrun'):
        set_launcher(Config(), 'slurm')
    cfg = Config()
    set_launcher(cfg, 'none')
    assert cfg.launcher == 'none' and 'model_wrapper_cfg' not in cfg

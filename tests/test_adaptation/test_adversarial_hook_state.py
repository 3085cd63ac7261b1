"""What the hook keeps, restores, leaves behind and refuses."""

import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmseg.apis import init_model
from PIL import Image
from toy import (
    CONFIGS,
    SOURCE_SIZE,
    labelled_loader,
    largest_difference,
    make_runner,
    toy_cfg,
    train,
)

from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS

KEY = 'default_hooks.adversarial'
POLY = dict(type='mmseg_da.PolyLR', power=0.9)


def flat(state, prefix=''):
    """Every leaf of nested state under a path of its own."""
    items = enumerate(state) if isinstance(state, (list, tuple)) else None
    if isinstance(state, dict):
        items = state.items()
    if items is None:
        return {prefix: state}
    leaves = {}
    for key, value in items:
        leaves.update(flat(value, f'{prefix}/{key}'))
    return leaves


def final_state(runner):
    hook = runner.adversarial
    return flat(
        dict(
            model=runner.model.state_dict(),
            optimizer=runner.optim_wrapper.state_dict(),
            schedulers=[s.state_dict() for s in runner.param_schedulers],
            discriminator=hook.discriminator.state_dict(),
            d_optimizer=hook.optim_wrapper.state_dict(),
            d_schedulers=[s.state_dict() for s in hook.param_schedulers],
        )
    )


def load(path):
    # Written by this test: its message hub is no plain tensor.
    return torch.load(path, map_location='cpu', weights_only=False)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_resumed_equals_straight_to_the_bit(tmp_path, num_workers):
    overrides = {
        'default_hooks.checkpoint.interval': 3,
        'param_scheduler': [dict(POLY, by_epoch=False)],
        f'{KEY}.param_scheduler': POLY,
        'train_dataloader.num_workers': num_workers,
        'train_dataloader.persistent_workers': num_workers > 0,
    }
    straight = train(tmp_path / 'straight', overrides)
    half = str(tmp_path / 'straight' / 'iter_3.pth')
    resumed = train(
        tmp_path / 'resumed', dict(overrides, load_from=half, resume=True)
    )
    # It started from iteration 3's discriminator, not from a new one.
    saved = load(half)['adversarial']['discriminator']
    assert largest_difference(resumed.start.discriminator, saved) == 0
    assert largest_difference(straight.start.discriminator, saved) > 1e-4

    ours, theirs = final_state(resumed), final_state(straight)
    assert ours.keys() == theirs.keys()
    assert any('d_optimizer' in key and 'exp_avg' in key for key in ours)
    assert any('d_schedulers' in key for key in ours)
    for key, value in ours.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, theirs[key]), key
        else:
            assert value == theirs[key], key


def test_discriminator_rates_follow_its_own_schedule(tmp_path):
    runner = train(
        tmp_path, {f'{KEY}.param_scheduler': POLY, 'train_cfg.max_iters': 4}
    )
    (scheduler,) = runner.adversarial.param_schedulers
    group = runner.adversarial.optim_wrapper.param_groups[0]
    assert scheduler.last_step == 4
    assert group['lr'] == pytest.approx(0, abs=1e-12)
    # The segmentor has none here.
    assert runner.optim_wrapper.param_groups[0]['lr'] == 0.02


def test_discriminator_follows_a_longer_schedule(tmp_path):
    """Resumed with more iterations, its rate does not stay at the old end."""
    overrides = {
        f'{KEY}.param_scheduler': POLY,
        'train_cfg.max_iters': 3,
        'default_hooks.checkpoint.interval': 3,
    }
    train(tmp_path / 'short', overrides)
    resume = {
        'load_from': str(tmp_path / 'short/iter_3.pth'),
        'resume': True,
        'train_cfg.max_iters': 6,
    }
    seen = []
    runner = make_runner(tmp_path / 'long', {**overrides, **resume})
    runner.start.after_train_iter = lambda runner, *_, **__: seen.append(
        runner.adversarial.optim_wrapper.param_groups[0]['lr']
    )
    runner.train()
    # After the scheduler's step: of iterations 4 to 6 of 6.
    expected = [1e-3 * (1 - i / 6) ** 0.9 for i in (4, 5, 6)]
    assert seen == pytest.approx(expected, abs=1e-9)


def test_checkpoint_keeps_the_model_apart(tmp_path):
    """Its `state_dict` is a plain segmentor's, loadable anywhere."""
    interval = {
        'default_hooks.checkpoint.interval': 1,
        'train_cfg.max_iters': 1,
    }
    train(tmp_path / 'adapted', interval)
    train(tmp_path / 'plain', interval, hook=False)
    adapted = load(tmp_path / 'adapted' / 'iter_1.pth')
    plain = load(tmp_path / 'plain' / 'iter_1.pth')
    assert adapted['state_dict'].keys() == plain['state_dict'].keys()
    assert adapted.keys() - plain.keys() == {'adversarial'}
    assert adapted['adversarial'].keys() == {
        'discriminator',
        'optimizer',
        'param_schedulers',
    }
    # The segmentor's optimizer has not seen a parameter of D.
    counts = [
        len(checkpoint['optimizer']['param_groups'][0]['params'])
        for checkpoint in (adapted, plain)
    ]
    assert counts[0] == counts[1]

    train(
        tmp_path / 'light',
        {**interval, 'default_hooks.checkpoint.save_optimizer': False},
    )
    light = load(tmp_path / 'light' / 'iter_1.pth')
    assert 'adversarial' not in light
    assert light['state_dict'].keys() == plain['state_dict'].keys()


def test_resuming_plain_training_warns(tmp_path):
    """A discriminator that starts anew in the middle is worth a word."""
    train(
        tmp_path / 'plain',
        {'default_hooks.checkpoint.interval': 3},
        hook=False,
    )
    runner = make_runner(
        tmp_path / 'adapted',
        {'load_from': str(tmp_path / 'plain/iter_3.pth'), 'resume': True},
    )
    messages = []
    runner.logger.warning = lambda message, *_: messages.append(message)
    runner.train()
    assert any('holds no discriminator' in message for message in messages)
    assert runner.iter == 6


def test_loading_weights_alone_starts_a_new_discriminator(tmp_path):
    """`load_from` without `resume`: fine-tuning, from iteration 0."""
    first = train(
        tmp_path / 'a',
        {'default_hooks.checkpoint.interval': 3, 'train_cfg.max_iters': 3},
    )
    second = train(
        tmp_path / 'b', {'load_from': str(tmp_path / 'a/iter_3.pth')}
    )
    ours = second.start.model
    assert largest_difference(ours, first.model.state_dict()) == 0
    expected = first.start.discriminator
    assert largest_difference(second.start.discriminator, expected) == 0


def test_testing_builds_no_discriminator(tmp_path):
    overrides = {
        f'{KEY}.discriminator': dict(type='NoSuchNetwork', _delete_=True),
        'test_cfg': dict(type='TestLoop'),
        'test_dataloader': labelled_loader(),
        'test_evaluator': dict(type='IoUMetric', iou_metrics=['mIoU']),
    }
    runner = make_runner(tmp_path, overrides)
    metrics = runner.test()
    assert 0 <= metrics['mIoU'] <= 100
    assert not hasattr(runner.adversarial, 'discriminator')
    # ... which in training is needed.
    with pytest.raises(KeyError, match='NoSuchNetwork'):
        runner.train()


def test_inference_builds_no_discriminator():
    cfg = toy_cfg()
    cfg.default_hooks.adversarial.discriminator.type = 'NoSuchNetwork'
    cfg.test_pipeline = []
    model = init_model(cfg, device='cpu')
    logits = model(torch.randn(1, 3, 64, 64))
    assert logits.shape == (1, 5, 8, 8)


def test_target_loader_may_differ_from_the_source_loader(tmp_path):
    """Its own batch and workers; without workers none can persist."""
    runner = train(
        tmp_path,
        {
            'train_dataloader.num_workers': 1,
            'train_dataloader.persistent_workers': True,
            f'{KEY}.target_dataloader.num_workers': 0,
            f'{KEY}.target_dataloader.batch_size': 3,
            'train_cfg.max_iters': 2,
        },
    )
    assert runner.iter == 2


def hooks_on(model):
    return [
        name
        for name, module in model.named_modules()
        if module._forward_hooks or module._forward_pre_hooks
    ]


def test_leaves_no_hooks_on_the_model_nor_on_a_copy(tmp_path):
    """EMA copies the model before training: the copy must stay plain."""
    runner = make_runner(
        tmp_path,
        {
            'custom_hooks': [dict(type='EMAHook')],
            'train_cfg.max_iters': 2,
        },
    )
    during = []
    runner.start.after_train_iter = lambda runner, *_, **__: during.append(
        hooks_on(runner.model)
    )
    runner.train()
    assert sorted(during[0]) == ['', 'decode_head.loss_decode']
    assert hooks_on(runner.model) == []
    (ema,) = (h for h in runner.hooks if type(h).__name__ == 'EMAHook')
    assert hooks_on(ema.ema_model) == []
    names = [name for name, _ in ema.ema_model.named_modules()]
    assert not [name for name in names if 'discriminator' in name]


def test_training_twice_works(tmp_path):
    """The hook object has no leftovers that a second run would meet."""
    runner = train(tmp_path, {'train_cfg.max_iters': 1})
    hook = runner.adversarial
    hook.before_train(runner)
    assert len(hooks_on(runner.model)) == 2
    hook.after_train(runner)
    assert hooks_on(runner.model) == []


@pytest.mark.parametrize('value', [-1e-3, float('nan'), float('inf')])
def test_refuses_a_loss_weight_that_is_none(tmp_path, value):
    with pytest.raises(
        InputError, match=rf'adversarial.loss_weight is {value}, but'
    ):
        make_runner(tmp_path, {f'{KEY}.loss_weight': value})


def test_refuses_a_discriminator_for_other_classes(tmp_path):
    runner = make_runner(tmp_path, {f'{KEY}.discriminator.in_channels': 19})
    with pytest.raises(
        InputError, match='in_channels is 19, .* predicts 5 classes'
    ):
        runner.train()


def test_refuses_a_head_without_loss_decode(tmp_path):
    runner = make_runner(tmp_path)
    del runner.model.decode_head.loss_decode
    with pytest.raises(InputError, match='BiSeNetHead has no loss_decode'):
        runner.train()


def test_refuses_an_output_without_a_loss(tmp_path):
    runner = make_runner(tmp_path, {f'{KEY}.output_index': 1})
    with pytest.raises(InputError, match='output_index is 1, but BiSeNetHead'):
        runner.train()


def test_refuses_a_loss_computed_elsewhere(tmp_path):
    runner = make_runner(tmp_path)
    head = runner.model.decode_head
    head.loss_by_feat = lambda logits, _: dict(loss_own=logits.square().mean())
    with pytest.raises(InputError, match='without calling its loss_decode'):
        runner.train()


def write_cityscapes(root, rng):
    """Target images, and label files that cannot be read."""
    for i in range(3):
        stem = f'aachen_{i:06d}_000019'
        image = root / 'leftImg8bit/train/aachen'
        label = root / 'gtFine/train/aachen'
        for folder in (image, label):
            folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (48, 96, 3), np.uint8)
        Image.fromarray(pixels).save(image / f'{stem}_leftImg8bit.png')
        for kind in ('labelIds', 'labelTrainIds', 'color'):
            (label / f'{stem}_gtFine_{kind}.png').write_bytes(b'no image')


def test_target_label_files_are_never_read(tmp_path):
    """The shipped config's target, its labels unreadable."""
    write_cityscapes(tmp_path / 'cityscapes', np.random.default_rng(0))
    path = CONFIGS / '_base_/targets/cityscapes.py'
    dataset = Config.fromfile(path).cityscapes_target_dataset
    target = ConfigDict(dataset=dataset)
    target.dataset.data_root = str(tmp_path / 'cityscapes')
    target.dataset.img_scale = (64, 32)
    runner = make_runner(
        tmp_path / 'run',
        {
            f'{KEY}.target_dataloader': dict(target, _delete_=True),
            'train_cfg.max_iters': 2,
        },
    )
    seen = []
    preprocess = runner.model.data_preprocessor.forward

    def spy(data, training):
        seen.extend(zip(data['inputs'], data['data_samples']))
        return preprocess(data, training)

    runner.model.data_preprocessor.forward = spy
    runner.train()
    shapes = [tuple(image.shape[1:]) for image, _ in seen]
    assert shapes == [SOURCE_SIZE, SOURCE_SIZE, (32, 64), (32, 64)] * 2
    labelled = ['gt_sem_seg' in sample for _, sample in seen]
    assert labelled == [True, True, False, False] * 2
    # Reading one label would have ended the run.
    labelled = target.dataset
    labelled.data_prefix.seg_map_path = 'gtFine/train'
    labelled.pipeline.insert(1, dict(type='mmseg_da.LoadTrainIds'))
    with pytest.raises(InputError):
        DATASETS.build(labelled)[0]

"""Mixed precision keeps the adversarial gradient.

MMEngine's AmpOptimWrapper wants an accelerator; on the CPU a wrapper of
three lines does what it does.
"""

import contextlib

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from toy import train

LOSS_WEIGHT = 1e-3  # The paper's.


@OPTIM_WRAPPERS.register_module()
class CPUAutocastOptimWrapper(OptimWrapper):
    """bfloat16 autocast on the CPU; keeps what it steps with."""

    @contextlib.contextmanager
    def optim_context(self, model):
        with (
            super().optim_context(model),
            torch.autocast('cpu', torch.bfloat16),
        ):
            yield

    def step(self, **kwargs):
        (group,) = self.param_groups
        self.grads = [parameter.grad.clone() for parameter in group['params']]
        super().step(**kwargs)


def one_iteration(work_dir, loss_weight, source_weight=1.0):
    overrides = {
        'train_cfg.max_iters': 1,
        'optim_wrapper.type': 'CPUAutocastOptimWrapper',
        'default_hooks.adversarial.loss_weight': loss_weight,
        'model.decode_head.loss_decode.loss_weight': source_weight,
    }
    for head in 0, 1:
        key = f'model.auxiliary_head.{head}.loss_decode.loss_weight'
        overrides[key] = source_weight
    return train(work_dir, overrides)


def weight_grads(runner):
    """Gradients of the convolutions both domains pass, one vector."""
    return torch.cat(
        [
            grad.flatten().double()
            for (name, _), grad in zip(
                runner.model.named_parameters(), runner.optim_wrapper.grads
            )
            if grad.ndim == 4 and 'auxiliary' not in name
        ]
    )


def test_adversarial_gradient_survives_autocast(tmp_path):
    """What the hook adds to the source's gradient is the whole of it.

    Were the half-precision weight copies shared between the domains, the sum
    of the two gradients would be rounded to 8 bits.
    """
    source = one_iteration(tmp_path / 'source', 0)
    both = one_iteration(tmp_path / 'both', LOSS_WEIGHT)
    alone = one_iteration(tmp_path / 'alone', LOSS_WEIGHT, source_weight=0.0)
    expected = weight_grads(alone)
    added = weight_grads(both) - weight_grads(source)
    assert expected.norm() > 0
    # The case is hard: the source's gradient is far larger.
    assert weight_grads(source).norm() > 100 * expected.norm()
    cosine = torch.cosine_similarity(added, expected, dim=0)
    assert cosine > 0.999
    assert added.norm() == pytest.approx(expected.norm().item(), rel=1e-2)


def test_discriminator_is_updated_as_the_segmentor_is(tmp_path):
    """Its wrapper is of the segmentor's kind, so it autocasts too."""
    runner = one_iteration(tmp_path, LOSS_WEIGHT)
    wrapper = runner.adversarial.optim_wrapper
    assert type(wrapper) is CPUAutocastOptimWrapper
    assert wrapper is not runner.optim_wrapper
    assert all(grad.abs().max() > 0 for grad in wrapper.grads)

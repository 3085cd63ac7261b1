"""The source's graph is gone before other images pass the segmentor.

That the gradients stay the same to the last bit is what the tests against
literal loops show, which run one backward pass over all losses.
"""

import torch
from mmseg.models import EncoderDecoder
from toy import largest_difference, train, with_terms

from mmseg_da.adaptation import AdaptationTerm
from mmseg_da.adaptation.source_backward import may_run_early
from mmseg_da.registry import MODELS


@MODELS.register_module()
class SpyTerm(AdaptationTerm):
    """Notes what is left of the source's pass, and adds no loss."""

    def build(self, runner, segmentor):
        self.freed, self.learnt, self._losses = [], [], []
        segmentor.decode_head.loss_decode.register_forward_hook(
            lambda module, args, loss: self._losses.append(loss)
        )

    def losses(self, iteration):
        weight = iteration.segmentor.decode_head.conv_seg.weight
        self.learnt.append(weight.grad is not None)
        try:
            torch.autograd.grad(self._losses.pop(), weight, retain_graph=True)
        except RuntimeError as error:
            assert 'second time' in str(error)
            self.freed.append(True)
        else:
            self.freed.append(False)
        return {}


SPY = with_terms(spy=dict(type='mmseg_da.SpyTerm'))


def test_the_graph_is_freed_and_training_goes_on(tmp_path):
    """Also where no term has a loss, and so nothing else a gradient."""
    spied = train(tmp_path / 'spied', SPY)
    term = spied.adaptation.terms['spy']
    assert term.freed == term.learnt == [True] * 6
    # The same images, without the pass of any term.
    plain = train(tmp_path / 'plain', hook=False)
    found = spied.model.state_dict(), plain.model.state_dict()
    assert largest_difference(*found) == 0


class Doubling(EncoderDecoder):
    def train_step(self, data, optim_wrapper):
        raise NotImplementedError


def test_a_train_step_of_its_own_may_change_the_losses(tmp_path):
    runner = train(tmp_path)
    assert may_run_early(runner)
    runner.model.__class__ = Doubling
    assert not may_run_early(runner)


def test_gradients_of_several_iterations_add_up_in_order(tmp_path):
    """There one backward pass over all losses stays."""
    accumulate = {'optim_wrapper.accumulative_counts': 2}
    runner = train(tmp_path, SPY | accumulate)
    assert runner.adaptation.terms['spy'].freed == [False] * 6

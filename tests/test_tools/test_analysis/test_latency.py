import time

import pytest
import torch
from torch import nn

from analysis.latency import measure_latency
from mmseg_da.errors import InputError
from mmseg_da.utils.device import pick_device


class Sleeper(nn.Module):
    """Takes the given times, one call after another."""

    def __init__(self, seconds):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1)
        self.seconds = list(seconds)
        self.seen = []

    def inference(self, image, metas):
        logits = self.conv(image)
        self.seen.append((image, logits, self.training, metas))
        time.sleep(self.seconds.pop(0))
        return logits


def test_median_and_spread_without_the_warm_up():
    model = Sleeper([0.3, 0.02, 0.02, 0.04, 0.04, 0.04])
    result = measure_latency(model, (4, 6), iterations=5, warmup=1)
    assert model.seconds == []
    assert len(result['times_ms']) == 5
    assert 40 <= result['latency_ms'] < 60
    assert 20 <= result['q1_ms'] < 40 <= result['q3_ms']
    assert result['iqr_ms'] == result['q3_ms'] - result['q1_ms']
    assert result['fps'] == pytest.approx(1000 / result['latency_ms'])
    assert result['precision'] == 'fp32'


def test_input_is_one_random_image_in_eval_and_inference_mode():
    model = Sleeper([0, 0]).train()
    measure_latency(model, (4, 6), iterations=2, warmup=0)
    image, logits, training, metas = model.seen[0]
    assert image.shape == (1, 3, 4, 6)
    assert image.std() > 0.5
    assert logits.is_inference() and logits.dtype == torch.float32
    assert not training
    assert metas[0]['img_shape'] == (4, 6)


def test_amp_runs_in_bfloat16_on_the_cpu():
    model = Sleeper([0, 0])
    result = measure_latency(model, (4, 6), amp=True, iterations=2, warmup=0)
    assert model.seen[0][1].dtype == torch.bfloat16
    assert result['precision'] == 'AMP bf16'


def test_wrong_input_is_named():
    with pytest.raises(InputError, match='1 iterations after 0'):
        measure_latency(Sleeper([0]), (4, 6), iterations=1, warmup=0)
    with pytest.raises(InputError, match='--device nonesuch cannot be used'):
        pick_device('nonesuch')
    assert pick_device('cpu') == torch.device('cpu')

"""The target's sampler: endless, and able to skip what a resumed run saw."""

import re

import pytest
from mmengine.dataset import DefaultSampler
from toy import train

from mmseg_da.errors import InputError
from mmseg_da.registry import DATA_SAMPLERS

TARGET = 'default_hooks.adversarial.target_dataloader'


@DATA_SAMPLERS.register_module()
class OneRoundSampler(DefaultSampler):
    """Can skip, and ends after a round."""

    def skip(self, count: int) -> None:
        pass


@pytest.mark.parametrize(
    'kind, text',
    [
        (
            'DefaultSampler',
            r'\.DefaultSampler, which has no skip\(\): it must',
        ),
        (
            'mmseg_da.OneRoundSampler',
            r'\.OneRoundSampler, which has ended: it must be endless and have '
            r'skip\(\), so use mmseg_da\.InfiniteSampler\.',
        ),
    ],
)
def test_is_refused(tmp_path, kind: str, text: str) -> None:
    """In training, since a data set's length is not known before."""
    overrides = {
        f'{TARGET}.sampler': dict(type=kind),
        # BatchNorm refuses the round's last batch, of one image.
        f'{TARGET}.drop_last': True,
    }
    with pytest.raises(InputError) as error:
        train(tmp_path, overrides)
    said = str(error.value)
    assert said.startswith(f'{TARGET}.sampler is '), said
    assert re.search(text, said), said

"""Records of runs that cannot be read."""

from pathlib import Path

import pytest

from mmseg_da.errors import InputError
from reproduction.experiments import train


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    (tmp_path / 'experiment.json').write_text('{"fingerprint": "ab')
    with pytest.raises(
        InputError, match=r'experiment\.json is damaged \(.*: d'
    ):
        train('configs/demo/bisenet_adv.py', tmp_path, {}, 'demo')

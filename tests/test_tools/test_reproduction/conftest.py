"""What a finished run leaves in its work dir."""

import json
from pathlib import Path

import pytest

from reproduction.experiments import write_json


@pytest.fixture
def finish():
    def finish(row, out: Path, validations, seconds=10.0, losses=()) -> None:
        """Leave what a finished run leaves; validations: (step, mIoU)."""
        work_dir = out / row.name
        lines = [dict(loss=loss, step=step) for step, loss in losses]
        lines += [
            {'mIoU': miou, 'IoU.road': miou + 1, 'aAcc': 99, 'step': step}
            for step, miou in validations
        ]
        path = work_dir / '20260101_000000/vis_data/scalars.json'
        path.parent.mkdir(parents=True)
        path.write_text('\n'.join(map(json.dumps, lines)))
        write_json(
            work_dir / 'experiment.json', dict(metrics={}, command=['x'])
        )
        status = dict(seconds=seconds, error=None, finished=True)
        write_json(work_dir / 'status.json', status)

    return finish

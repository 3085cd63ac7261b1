"""A record that cannot be written to is set aside, never lost."""

import json
import subprocess
from types import SimpleNamespace

import pytest

from launch import run_record
from launch.run_record import git_state, record_run

ERRORS = (
    subprocess.TimeoutExpired('git', 30),
    subprocess.CalledProcessError(128, 'git'),
    FileNotFoundError('git'),
)


@pytest.mark.parametrize('error', ERRORS, ids=lambda e: type(e).__name__)
def test_git_that_fails_or_hangs_is_left_out(tmp_path, monkeypatch, error):
    def fail(*_, **__):
        raise error

    # It starts processes of its own.
    monkeypatch.setattr(run_record, 'collect_env', dict)
    monkeypatch.setattr(run_record.subprocess, 'run', fail)
    assert git_state() is None
    record(tmp_path)
    (start,) = json.loads((tmp_path / 'run.json').read_text())
    assert start['git'] is None


def record(folder):
    runner = SimpleNamespace(work_dir=str(folder), seed=0, world_size=1)
    record_run(runner)


@pytest.mark.parametrize('text', ['{"by": "hand"}', '[{"cut', 'null', ''])
def test_what_is_no_list_is_set_aside(tmp_path, text, monkeypatch):
    monkeypatch.setattr(run_record, 'git_state', lambda: None)
    for number in (1, 2):
        (tmp_path / 'run.json').write_text(text)
        record(tmp_path)
        aside = tmp_path / f'run.unusable{number}.json'
        assert aside.read_text() == text
    record(tmp_path)
    assert len(json.loads((tmp_path / 'run.json').read_text())) == 2
    assert len(list(tmp_path.iterdir())) == 3

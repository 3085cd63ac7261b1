"""The last good checkpoint is found, whatever a crash left behind."""

import os
import resource
import signal

import pytest
import torch
from mmengine.config import Config

from launch import resume_from_work_dir
from launch.resume import find_checkpoint, is_whole
from mmseg_da.engine.file_backend import SafeLocalBackend
from mmseg_da.errors import InputError


def save(path, value=0.0):
    torch.save(dict(state_dict=dict(a=torch.full((3000,), value))), path)


def cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.fixture
def work_dir(tmp_path):
    for iteration in (3, 9, 10):
        save(tmp_path / f'iter_{iteration}.pth')
    save(tmp_path / 'best_mIoU_iter_10.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_10.pth'))
    return tmp_path


def test_a_moved_work_dir_goes_on_from_its_own_checkpoint(tmp_path):
    """Though another run is now where it was."""
    for name in ('a', 'a_old'):
        (tmp_path / name).mkdir()
        save(tmp_path / name / 'iter_9.pth')
        pointer = tmp_path / name / 'last_checkpoint'
        pointer.write_text(str(tmp_path / 'a/iter_9.pth'))
    path, _ = find_checkpoint(tmp_path / 'a_old')
    assert path == tmp_path / 'a_old/iter_9.pth'


def test_an_empty_last_checkpoint_names_no_other_run(work_dir):
    inner = work_dir / 'seed1'
    inner.mkdir()
    save(inner / 'iter_2.pth')
    (inner / 'last_checkpoint').write_text('')
    path, sentence = find_checkpoint(inner)
    assert path == inner / 'iter_2.pth'
    assert 'last_checkpoint names nothing, which is missing' in sentence


def test_takes_what_last_checkpoint_names(work_dir):
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'iter_9.pth'))
    path, sentence = find_checkpoint(work_dir)
    assert path.name == 'iter_9.pth'
    assert sentence == f'Resuming from {path}.'


@pytest.mark.parametrize(
    ('damage', 'expected'),
    [
        (lambda folder: cut(folder / 'iter_10.pth'), 'is damaged'),
        (lambda folder: cut(folder / 'iter_10.pth', 0.999), 'is damaged'),
        (lambda folder: cut(folder / 'iter_10.pth', 0), 'is damaged'),
        (lambda folder: flip_a_bit(folder / 'iter_10.pth'), 'is damaged'),
        (lambda folder: (folder / 'iter_10.pth').unlink(), 'is missing'),
    ],
    ids=['half', 'last bytes gone', 'empty', 'bit flipped', 'missing'],
)
def test_falls_back_to_the_newest_whole_one(work_dir, damage, expected):
    damage(work_dir)
    path, sentence = find_checkpoint(work_dir)
    # By number: as text, iter_9 comes after iter_10.
    assert path.name == 'iter_9.pth'
    assert sentence == (
        f'Resuming from {path} (last_checkpoint names iter_10.pth, which '
        f'{expected}).'
    )


@pytest.mark.parametrize('text', ['', '/gone/iter_1', 'no such\x00'])
def test_last_checkpoint_itself_may_be_cut(work_dir, text):
    (work_dir / 'last_checkpoint').write_text(text)
    assert find_checkpoint(work_dir)[0].name == 'iter_10.pth'
    (work_dir / 'last_checkpoint').unlink()
    assert find_checkpoint(work_dir)[0].name == 'iter_10.pth'


def test_a_moved_work_dir_is_found(work_dir):
    moved = work_dir.with_name('moved')
    work_dir.rename(moved)
    pointer = moved / 'last_checkpoint'
    pointer.write_text(pointer.read_text().replace('iter_10', 'iter_9'))
    path, sentence = find_checkpoint(moved)
    assert path == moved / 'iter_9.pth'
    assert sentence == f'Resuming from {path}.'


def test_nothing_whole_starts_anew(work_dir, capsys):
    for path in work_dir.glob('iter_*.pth'):
        cut(path)
    cfg = Config(dict(work_dir=str(work_dir)))
    resume_from_work_dir(cfg)
    assert (cfg.resume, cfg.load_from) == (False, None)
    said = capsys.readouterr().out
    assert said == (
        f'Nothing to resume in {work_dir} (last_checkpoint names iter_10.pth,'
        ' which is damaged): starting anew.\n'
    )
    assert find_checkpoint(work_dir / 'new')[0] is None


def test_load_from_does_not_throw_the_progress_away(work_dir, capsys):
    cfg = Config(dict(work_dir=str(work_dir), load_from='other.pth'))
    resume_from_work_dir(cfg)
    newest = str(work_dir / 'iter_10.pth')
    assert (cfg.resume, cfg.load_from) == (True, newest)
    assert capsys.readouterr().out == (
        f'Resuming from {newest}, not from load_from, other.pth.\n'
    )


def test_load_from_is_resumed_where_there_is_no_progress(work_dir, capsys):
    folder = str(work_dir / 'new')
    cfg = Config(dict(work_dir=folder, load_from='other.pth'))
    resume_from_work_dir(cfg)
    assert (cfg.resume, cfg.load_from) == (True, 'other.pth')
    assert capsys.readouterr().out == (
        f'Nothing to resume in {folder}: resuming from load_from, other.pth.\n'
    )


def test_said_once_by_the_first_process(work_dir, capsys, monkeypatch):
    cfg = Config(dict(work_dir=str(work_dir), load_from=None))
    monkeypatch.setenv('RANK', '1')
    resume_from_work_dir(cfg)
    assert cfg.load_from == str(work_dir / 'iter_10.pth')
    assert capsys.readouterr().out == ''


def test_a_write_that_dies_half_way_leaves_the_old_file(tmp_path):
    path, backend = tmp_path / 'iter_1.pth', SafeLocalBackend()
    save(path)
    before = path.read_bytes()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        half = len(before) // 2
        resource.setrlimit(resource.RLIMIT_FSIZE, (half, half))
        backend.put(before[::-1], path)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGXFSZ
    assert path.read_bytes() == before and is_whole(path)
    (partial,) = tmp_path.glob('.*.part')
    assert 0 < partial.stat().st_size < len(before)


def test_removal_waits(tmp_path):
    path, backend = tmp_path / 'iter_1.pth', SafeLocalBackend()
    save(path)
    backend.remove(path)
    assert path.exists()
    backend.remove_obsolete(tmp_path)
    assert not path.exists() and backend.obsolete == []


def test_removal_keeps_to_the_folder(tmp_path):
    backend, folder = SafeLocalBackend(), tmp_path / 'run'
    (folder / 'iter_2.pth').mkdir(parents=True)
    paths = [
        tmp_path / 'iter_1.pth',
        folder / '../iter_1.pth',
        folder / 'iter_2.pth/iter_1.pth',
    ]
    for path in paths:
        save(path)
    for path in (*paths, folder / 'iter_2.pth', folder, folder / 'gone.pth'):
        backend.remove(path)
    backend.remove_obsolete(folder)
    assert all(path.exists() for path in paths) and backend.obsolete == []
    with pytest.raises(InputError, match=r'iter_2\.pth is a folder where'):
        backend.rmtree(folder / 'iter_2.pth')
    assert paths[2].exists()

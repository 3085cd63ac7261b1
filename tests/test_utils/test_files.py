import pytest

from mmseg_da.utils.files import atomic_path


def test_the_file_appears_whole_at_the_end(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    with atomic_path(path) as partial:
        partial.write_text('half')
        assert not path.exists()
        partial.write_text('whole')
    assert path.read_text() == 'whole'
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(KeyError), atomic_path(path) as partial:
        partial.write_text('half')
        raise KeyError
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]

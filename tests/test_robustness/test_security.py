"""Nothing that is read runs, and nothing is written outside the work dir."""

import io
import os
import pickle
import re
import struct
import zipfile
from contextlib import nullcontext
from email.message import Message
from hashlib import sha256
from pathlib import Path
from typing import Optional

import numpy as np
import pytest
import torch
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as mmengine_checkpoint
from torch.torch_version import TorchVersion

from mmseg_da.datasets import GTA5Dataset
from mmseg_da.errors import InputError
from mmseg_da.utils import weights_only_loading
from mmseg_da.utils.safe_load import load_file

ROOT = Path(__file__).parents[2]
REFUSED = r'a\.pth holds an object that carries code \(.+\) and is refused'


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple:
        return self.function, self.arguments


def evil_objects(mark: Path) -> dict[str, object]:
    code = f'open({str(mark)!r}, "w").close()'
    return {
        'os.system': Evil(os.system, f'touch {mark}'),
        'exec': Evil(exec, code),
        'eval': Evil(eval, code),
        'open': Evil(open, str(mark), 'w'),
        'mkdir': Evil(os.mkdir, str(mark)),
    }


def getattr_gadget(path: Path, code: str) -> None:
    """A file that calls exec by means of getattr and mmengine's history.

    It puts an object with ``nn.Parameter = exec`` in the place of ``torch``
    in the globals of torch's ``_rebuild_parameter``, and calls that.
    """

    def name(module: str, attribute: str) -> bytes:
        return f'c{module}\n{attribute}\n'.encode()

    def text(value: str) -> bytes:
        return b'X' + struct.pack('<I', len(value)) + value.encode()

    get = name('builtins', 'getattr')
    history = name('mmengine.logging.history_buffer', 'HistoryBuffer')
    rebuild = name('torch._utils', '_rebuild_parameter')
    builtins = get + get + text('__self__') + b'\x86R'
    execute = get + builtins + text('exec') + b'\x86R'
    fake_nn = history + b')\x81}' + text('Parameter') + execute + b'sb'
    fake_torch = history + b')\x81}' + text('nn') + fake_nn + b'sb'
    namespace = get + rebuild + text('__globals__') + b'\x86R'
    program = namespace + text('torch') + fake_torch + b's'
    program += rebuild + text(code) + b'}}\x87R'
    whole = io.BytesIO()
    torch.save({}, whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, 'w') as new:
        for entry in old.namelist():
            data = old.read(entry)
            if entry.endswith('data.pkl'):
                data = b'\x80\x02(' + program + b't.'
            new.writestr(entry, data)


def rewrite(path: Path, old: bytes, new: bytes) -> None:
    """Replace text in the pickle of a checkpoint."""
    with zipfile.ZipFile(path) as whole:
        entries = {name: whole.read(name) for name in whole.namelist()}
    (name,) = (name for name in entries if name.endswith('data.pkl'))
    assert old in entries[name]
    entries[name] = entries[name].replace(old, new)
    with zipfile.ZipFile(path, 'w') as whole:
        for name, content in entries.items():
            whole.writestr(name, content)


@pytest.mark.parametrize('module', ['numpy.core', 'numpy._core'])
def test_checkpoints_of_both_numpys_load(
    checkpoint: Path, folder: Path, module: str
) -> None:
    content = load_file(checkpoint)
    info = content['message_hub']['runtime_info']
    for name in ('float16', 'float32', 'int32', 'uint8', 'bool'):
        info[name] = np.array([1, 0], name)
    info['score'] = np.float32(0.5)
    torch.save(content, 'a.pth')
    own = np.core if np.__version__ < '2' else np._core
    own = own.multiarray._reconstruct.__module__.encode()
    for name in (b'_reconstruct', b'scalar'):
        other = f'c{module}.multiarray\n'.encode() + name
        rewrite(Path('a.pth'), b'c' + own + b'\n' + name, other)
    with weights_only_loading():
        loaded = CheckpointLoader.load_checkpoint('a.pth')['message_hub']
    assert loaded['runtime_info']['score'] == np.float32(0.5)
    assert loaded['runtime_info']['bool'].tolist() == [True, False]
    losses = loaded['log_scalars']['train/loss'].data[0]
    expected = content['message_hub']['log_scalars']['train/loss'].data[0]
    assert losses.tolist() == expected.tolist()
    # Nothing else of the module goes with them.
    rewrite(Path('a.pth'), b'multiarray\nscalar', b'multiarray\nfromfile')
    with pytest.raises(InputError, match=r'code \(numpy.+fromfile\)'):
        load_file('a.pth')


@pytest.mark.parametrize(
    ('version', 'kept'),
    [('1.13', False), ('2.5.1', False), ('2.6.0', True), ('2.10.0+cpu', True)],
)
def test_make_keeps_a_torch_that_can(
    monkeypatch, version: str, kept: bool
) -> None:
    makefile = (ROOT / 'Makefile').read_text()
    (probe,) = re.findall(r'python -c "(import torch; [^"]+)"', makefile)
    monkeypatch.setattr(torch, '__version__', TorchVersion(version))
    with nullcontext() if kept else pytest.raises(AssertionError):
        exec(probe)


KINDS = ('os.system', 'exec', 'eval', 'open', 'mkdir')


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('kind', KINDS)
def test_evil_pickle(folder: Path, kind: str, legacy: bool) -> None:
    mark = folder / 'ran'
    evil = evil_objects(mark)[kind]
    new = dict(_use_new_zipfile_serialization=not legacy)
    torch.save({'state_dict': {}, 'evil': evil}, 'a.pth', **new)
    with weights_only_loading():
        for load in (torch.load, CheckpointLoader.load_checkpoint):
            with pytest.raises(InputError, match=REFUSED):
                load('a.pth')
        # Asking for the unsafe way does not help.
        with pytest.raises(InputError, match=REFUSED):
            torch.load('a.pth', weights_only=False, pickle_module=pickle)
    assert not mark.exists()
    # The mark would have told.
    torch.load('a.pth', weights_only=False)
    assert mark.exists()


def test_getattr_is_no_way_in(folder: Path) -> None:
    mark = folder / 'ran'
    getattr_gadget(folder / 'a.pth', f'open({str(mark)!r}, "w").close()')
    with (
        weights_only_loading(),
        pytest.raises(InputError, match=r'carries code \(getattr\)'),
    ):
        CheckpointLoader.load_checkpoint('a.pth')
    assert not mark.exists()


@pytest.mark.skipif(
    not hasattr(mmengine_checkpoint, 'get_torch_safe_globals')
    or getattr not in mmengine_checkpoint.get_torch_safe_globals(),
    reason='this mmengine does not allow getattr',
)
def test_getattr_is_a_way_into_mmengine(folder: Path) -> None:
    """Shows that the file of the test before does what it says."""
    mark = folder / 'ran'
    code = f'open({str(mark)!r}, "w").close()'
    getattr_gadget(folder / 'a.pth', code)
    kept = dict(vars(torch._utils))
    try:
        with pytest.raises(AttributeError):
            CheckpointLoader.load_checkpoint('a.pth')
    finally:
        vars(torch._utils).update(kept)
    assert mark.exists()


def test_allow_list_is_left_as_it_was(folder: Path) -> None:
    torch.save({'a': torch.ones(2)}, 'a.pth')
    original = torch.load
    before = set(torch.serialization.get_safe_globals())
    with weights_only_loading():
        assert torch.load is load_file
        assert torch.load('a.pth')['a'].tolist() == [1, 1]
    assert torch.load is original
    assert set(torch.serialization.get_safe_globals()) == before
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ


def words(tool: str, config: Path) -> list[str]:
    """How a user names a.pth to each of the tools."""
    name = str(config)
    options = ['--work-dir', 'w', '--cfg-options', 'load_from=a.pth']
    return {
        'train': [name, *options],
        'train --resume': [name, *options[:2], '--resume'],
        'test': [name, 'a.pth', *options[:2]],
        'adapt_bn': [name, 'a.pth'],
        'qualitative': ['--images', 'image.png', '--models', name, 'a.pth'],
    }[tool]


TOOLS = ('train', 'train --resume', 'test', 'adapt_bn', 'qualitative')


@pytest.mark.parametrize('tool', TOOLS)
def test_tools_refuse(
    tools, config: Path, data: Path, folder: Path, tool: str
) -> None:
    mark = folder / 'ran'
    torch.save({'state_dict': Evil(os.system, f'touch {mark}')}, 'a.pth')
    if tool == 'train --resume':
        Path('w').mkdir()
        Path('w/last_checkpoint').write_text('a.pth')
    if tool == 'qualitative':
        image = data / 'gta5/images/00000.png'
        Path('image.png').write_bytes(image.read_bytes())
    with pytest.raises(InputError, match=REFUSED):
        tools[tool.split()[0]](words(tool, config))
    assert not mark.exists()


def test_resume_does_not_run_the_config_in_a_checkpoint(
    tools, config: Path, folder: Path, checkpoint: Path
) -> None:
    mark = folder / 'ran'
    content = load_file(checkpoint)
    content['meta']['config'] = f'open({str(mark)!r}, "w").close()'
    torch.save(content, 'a.pth')
    Path('w').mkdir()
    Path('w/last_checkpoint').write_text('a.pth')
    options = ['--cfg-options', 'train_cfg.max_iters=3']
    tools['train']([*words('train --resume', config), *options])
    assert not mark.exists()
    assert load_file('w/iter_3.pth')['meta']['iter'] == 3


def files(folder: Path) -> dict[str, Optional[bytes]]:
    return {
        str(path): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }


def test_nothing_is_written_outside_the_work_dir(
    tools, config: Path, data: Path, folder: Path, checkpoint: Path
) -> None:
    before = files(data)
    assert list(folder.iterdir()) == []
    tools['test']([str(config), str(checkpoint), '--work-dir', 'deep/w'])
    assert [path.name for path in folder.iterdir()] == ['deep']
    assert [path.name for path in Path('deep').iterdir()] == ['w']
    assert files(data) == before


def test_nothing_is_written_outside_the_work_dir_in_training(
    tools, config: Path, data: Path, folder: Path
) -> None:
    """Nor deleted: by training, validation, checkpoints and a resume."""
    around = folder.parent
    (around / 'kept.pth').write_bytes(b'of the user')
    before = files(data), files(around), files(ROOT / 'configs')
    words = [str(config), '--work-dir', 'deep/w']
    tools['train'](words)
    more = ['--resume', '--cfg-options', 'train_cfg.max_iters=4']
    tools['train']([*words, *more])
    assert Path('deep/w/iter_4.pth').exists()
    assert [path.name for path in folder.iterdir()] == ['deep']
    assert [path.name for path in Path('deep').iterdir()] == ['w']
    inside = f'{folder}/deep/w/'
    after = {k: v for k, v in files(around).items() if inside not in k}
    assert (files(data), after, files(ROOT / 'configs')) == before


def test_data_files_are_never_unpickled(folder: Path, data: Path) -> None:
    mark = folder / 'ran'
    evil = pickle.dumps(Evil(os.system, f'touch {mark}'))
    for name in ('list.pkl', 'list.txt', 'list.json', 'list.py'):
        (folder / name).write_bytes(evil)
        with pytest.raises(InputError, match=rf"ann_file '.*{name}' "):
            GTA5Dataset(
                data_root=str(data / 'gta5'), ann_file=str(folder / name)
            )
    assert not mark.exists()


@pytest.fixture
def hub(folder: Path, monkeypatch):
    """A hub whose downloads hold what is given."""

    def hub(content: object) -> str:
        torch.save(content, 'weights')
        data = Path('weights').read_bytes()

        def open_url(request, **_):
            response = io.BytesIO(data)
            response.info = Message
            return response

        monkeypatch.setattr('torch.hub.urlopen', open_url)
        return sha256(data).hexdigest()

    monkeypatch.setenv('TORCH_HOME', str(folder / 'home'))
    return hub


def download(name: str) -> object:
    with weights_only_loading():
        return CheckpointLoader.load_checkpoint(f'https://localhost/{name}')


def test_downloads_are_checked(folder: Path, hub) -> None:
    name = f'net-{hub({"a": torch.ones(1)})[:8]}.pth'
    assert download(name)['a'] == 1
    kept = next(folder.glob('home/**/net-*.pth'))
    # From the cache, the whole and a damaged one.
    assert download(name)['a'] == 1
    kept.write_bytes(kept.read_bytes()[:-1] + b'x')
    with pytest.raises(InputError, match=r'net-.*pth are damaged or another'):
        download(name)
    # Another file under the name.
    kept.unlink()
    hub({'a': torch.zeros(1)})
    with pytest.raises(InputError, match=r'is not the file that its name pro'):
        download(name)
    assert not kept.exists()


def test_evil_downloads_are_refused(folder: Path, hub) -> None:
    mark = folder / 'ran'
    digest = hub({'a': Evil(os.system, f'touch {mark}')})
    for name in ('net.pth', f'net-{digest[:8]}.pth'):
        with pytest.raises(InputError, match='carries code .* is refused'):
            download(name)
    assert not mark.exists()

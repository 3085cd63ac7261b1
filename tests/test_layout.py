"""The package is the plugin, and the tools import it, never it the tools."""

import ast
from pathlib import Path

from mmseg_da.utils.config import find_root

ROOT = Path(__file__).parents[1]


def imported(path: Path) -> set[str]:
    """First names of what a file imports from outside its own package."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split('.')[0])
    return names


def test_the_package_imports_no_tool():
    tools = {path.stem for path in (ROOT / 'tools').iterdir()} | {'tools'}
    assert {'benchmarks', 'reproduction', 'street_renderer'} < tools
    files = list((ROOT / 'mmseg_da').rglob('*.py'))
    assert files
    assert {
        path.name: found for path in files if (found := imported(path) & tools)
    } == {}


def test_the_package_is_small_files_with_absolute_imports():
    files = list((ROOT / 'mmseg_da').rglob('*.py'))
    assert len(files) > 50
    for path in files:
        text = path.read_text()
        assert text.count('\n') <= 300, path
        levels = [getattr(n, 'level', 0) for n in ast.walk(ast.parse(text))]
        assert not any(levels), path


def test_tools_register_nothing():
    """What they register would be a component that a config can name."""
    files = list((ROOT / 'tools').rglob('*.py'))
    assert len(files) > 50
    for path in files:
        assert 'register_module' not in path.read_text(), path


def test_the_root_is_mim_in_an_installed_package(tmp_path):
    package = tmp_path / 'mmseg_da'
    package.mkdir()
    assert find_root(package) == tmp_path
    (package / '.mim').mkdir()
    assert find_root(package) == package / '.mim'


def test_every_command_shows_an_example():
    """In its docstring, which --help can print as it is."""
    commands = [
        path
        for path in (ROOT / 'tools').rglob('*.py')
        if "\nif __name__ == '__main__'" in path.read_text()
    ]
    assert len(commands) > 10
    for path in commands:
        shown = ast.get_docstring(ast.parse(path.read_text()))
        assert f'python {path.relative_to(ROOT)}' in shown, path

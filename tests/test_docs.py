"""The pages name files, commands and tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CHANGELOG.md']
PAGES += sorted((ROOT / 'docs').glob('*.md'))
IN_REPOSITORY = re.compile(
    r'(?<![\w./-])(?:configs|docs|requirements|tests|tools)/[\w./-]*\w'
)
TEST = re.compile(r'`(tests/[\w/]+\.py)(?:::(\w+))?`')
LINK = re.compile(r'\]\(([^)#:\s]+)?(#[^)]+)?\)')
LISTED_ELSEWHERE = {'--cfg-options', '--help'}


def read(page: Path) -> str:
    return re.sub(r'<!--.*?-->', '', page.read_text(), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Anchors that GitHub gives the headings of a page."""
    headings = re.findall(r'^#+ (.*)$', read(page), flags=re.MULTILINE)
    plain = (re.sub(r'[^\w\- ]', '', heading.lower()) for heading in headings)
    return {'#' + heading.replace(' ', '-') for heading in plain}


def shell_commands(page: Path) -> list[str]:
    blocks = re.findall(r'```shell\n(.*?)```', read(page), flags=re.DOTALL)
    return [
        line.split('    #')[0]
        for block in blocks
        for line in block.replace('\\\n', ' ').splitlines()
    ]


by_page = pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)


@by_page
def test_every_path_exists(page):
    missing = {
        path
        for path in IN_REPOSITORY.findall(read(page))
        if not (ROOT / path).exists()
    }
    assert missing == set()


@by_page
def test_every_link_leads_somewhere(page):
    for path, anchor in LINK.findall(read(page)):
        target = page.parent / path if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target), anchor


@by_page
def test_every_flag_of_a_command_exists(page):
    for command in shell_commands(page):
        found = re.search(r'(tools/[\w/]+\.py)(.*)', command)
        if found:
            source = (ROOT / found[1]).read_text()
            flags = set(re.findall(r' (--[a-z-]+)', found[2]))
            unknown = {
                flag
                for flag in flags - LISTED_ELSEWHERE
                if f"'{flag}'" not in source
            }
            assert unknown == set(), command


def test_every_promise_has_its_tests():
    named = TEST.findall(read(ROOT / 'docs/promises.md'))
    assert len(named) > 40
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text())
        functions = {
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef)
        }
        assert not name or name in functions, f'{path}::{name}'


def test_the_readme_is_short():
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 150

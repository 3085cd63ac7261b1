"""The pages name files, commands, tests and messages that exist."""

import ast
import re
from pathlib import Path

import pytest

from launch import check_config
from mmseg_da.errors import InputError
from mmseg_da.registry import HOOKS
from mmseg_da.utils import load_config

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CHANGELOG.md']
PAGES += sorted((ROOT / 'docs').glob('*.md'))
# Named in a text, not as a part of a longer path.
IN_REPOSITORY = re.compile(
    r'(?<![\w./-])(?:configs|docs|requirements|tests|tools)/[\w./-]*\w'
)
OWN = {'configs/sim2drive.py'}  # which a reader writes
TEST = re.compile(r'`(tests/[\w/]+\.py)(?:::(\w+))?`')
LINK = re.compile(r'\]\(([^)#:\s]+)?(#[^)]+)?\)')

by_page = pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)


def read(page: Path) -> str:
    return re.sub(r'<!--.*?-->', '', page.read_text(), flags=re.DOTALL)


def code_blocks(page: str, language: str) -> list[str]:
    text = read(ROOT / page)
    return re.findall(rf'^```{language}\n(.*?)^```', text, re.DOTALL | re.M)


def anchors(page: Path) -> set[str]:
    """Anchors that GitHub gives the headings of a page."""
    headings = re.findall(r'^#+ (.*)$', read(page), flags=re.MULTILINE)
    plain = (re.sub(r'[^\w\- ]', '', heading.lower()) for heading in headings)
    return {'#' + heading.replace(' ', '-') for heading in plain}


@by_page
def test_every_path_exists(page):
    named = set(IN_REPOSITORY.findall(read(page))) - OWN
    assert {path for path in named if not (ROOT / path).exists()} == set()


@by_page
def test_every_link_leads_somewhere(page):
    for path, anchor in LINK.findall(read(page)):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), anchor


@by_page
def test_every_flag_of_a_command_exists(page):
    text = read(page).replace('\\\n', ' ')
    for tool, words in re.findall(
        r'(?<![\w/])(tools/[\w/]+\.py)([^`#\n]*)', text
    ):
        flags = set(re.findall(r' (--[a-z-]+)', words)) - {'--cfg-options'}
        source = (ROOT / tool).read_text()
        # And of what several commands share, the parts that it calls.
        shared = (ROOT / 'tools/launch/cli.py').read_text()
        for part in ast.parse(shared).body:
            if f'{getattr(part, "name", None)}(' in source:
                source += ast.get_source_segment(shared, part)
        assert {f for f in flags if f"'{f}'" not in source} == set(), tool


def test_the_readme_is_short():
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 150


def test_every_promise_has_its_tests():
    named = TEST.findall(read(ROOT / 'docs/promises.md'))
    assert len(named) > 40
    for path, name in named:
        nodes = ast.parse((ROOT / path).read_text()).body
        functions = {n.name for n in nodes if isinstance(n, ast.FunctionDef)}
        assert not name or name in functions, f'{path}::{name}'


def test_the_hooks_of_the_pages_build():
    blocks = [
        *code_blocks('README.md', 'python'),
        code_blocks('docs/methods.md', 'python')[0],
    ]
    assert len(blocks) == 3
    for block in blocks:
        names = dict(target_dataloader={}, target_dataset={})
        exec(block, names)
        for hook in names['default_hooks'].values():
            assert HOOKS.build(hook).terms


def test_the_terms_of_the_methods_build():
    blocks = code_blocks('docs/methods.md', 'python')[1:]
    assert len(blocks) > 4
    for block in blocks:
        hook = eval(f'dict({block})')
        terms = hook.get('terms', hook)
        HOOKS.build(
            dict(
                type='mmseg_da.AdaptationHook',
                target_dataloader={},
                teacher=hook.get('teacher'),
                terms=terms,
            )
        )


@pytest.mark.parametrize('labelled', [True, False])
def test_the_config_for_own_data_can_train(labelled, tmp_path):
    config, unlabelled, *models = code_blocks('docs/own_data.md', 'python')
    config = config.replace("'./_base_", f"'{ROOT}/configs/_base_")
    if not labelled:
        start, end = config.index('frames = '), config.index('train_dataload')
        config = f'{config[:start]}{unlabelled}\n{config[end:]}'
        config += 'val_dataloader = val_cfg = val_evaluator = None\n'
    path = tmp_path / 'sim2drive.py'
    path.write_text(config)
    cfg = load_config(path)
    check_config(cfg, 'train')
    if labelled:
        check_config(cfg, 'test')
    else:
        with pytest.raises(InputError, match='loads no labels'):
            check_config(cfg, 'test')
    HOOKS.build(cfg.default_hooks.adaptation)
    assert len(models) == 2
    for model, found in zip(models, ("num_classes': 11", 'sim_classes')):
        path.write_text(config + model)
        model = load_config(path).model
        for head in (model.decode_head, *model.auxiliary_head):
            assert found in repr(dict(head))


def messages() -> str:
    """The literals of all sources, '…' in place of what is filled in."""
    found = []
    for folder in ('mmseg_da', 'tools'):
        for path in (ROOT / folder).rglob('*.py'):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.JoinedStr):
                    parts = (getattr(v, 'value', '…') for v in node.values)
                    found += [p if isinstance(p, str) else '…' for p in parts]
                elif isinstance(node, ast.Constant):
                    found += [node.value, ''] * isinstance(node.value, str)
                found.append('\n')
    return ''.join(found)


def test_the_quoted_messages_are_the_real_ones():
    quotes = re.findall(
        r'(?:^> .*\n)+', read(ROOT / 'docs/own_data.md'), flags=re.MULTILINE
    )
    assert len(quotes) > 15
    known = messages()
    for quote in quotes:
        sentence = ' '.join(line[2:] for line in quote.splitlines())
        for part in re.split('…|: ', sentence.rstrip('.')):
            assert part.strip() in known, part

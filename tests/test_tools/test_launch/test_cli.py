"""Words of a command line."""

import argparse

import pytest

from launch.cli import add_cfg_options, positive


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('my best.pth', 'my best.pth'),
        ('my data/a, b', 'my data/a, b'),
        ("['traffic sign', 'road']", ['traffic sign', 'road']),
        ('(["a b"], 1)', (['a b'], 1)),
        ('[a, b]', ['a', 'b']),
        ('1, 2.5', [1, 2.5]),
        ('(1)', (1,)),
        ("('road')", ('road',)),
        (' 3 ', 3),
        ("['a", "['a"),
    ],
)
def test_values_keep_the_spaces_of_names(text: str, value) -> None:
    parser = argparse.ArgumentParser()
    add_cfg_options(parser)
    args = parser.parse_args(['--cfg-options', f'key={text}'])
    assert args.cfg_options == {'key': value}


def test_positive(capsys) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--jobs', type=positive)
    assert parser.parse_args(['--jobs', '2']).jobs == 2
    for text in ('0', '-1', 'two'):
        with pytest.raises(SystemExit):
            parser.parse_args([f'--jobs={text}'])
        assert 'argument --jobs: ' in capsys.readouterr().err

import cv2
import numpy as np
import pytest

from analysis.grid import _fit, colorize, draw_grid
from mmseg_da.errors import InputError

PALETTE = [[128, 64, 128], [220, 20, 60]]


def filled(color, height=50, width=100):
    return np.full((height, width, 3), color, np.uint8)


def test_colorize_paints_classes_and_leaves_the_rest_black():
    label = np.array([[0, 1], [255, 2]], np.uint8)
    expected = [[[128, 64, 128], [220, 20, 60]], [[0, 0, 0], [0, 0, 0]]]
    np.testing.assert_array_equal(colorize(label, PALETTE), expected)


def test_every_picture_lies_in_its_cell_at_full_area(tmp_path):
    colors = [[(200, 0, 0), (0, 200, 0)], [(0, 0, 200), (200, 200, 0)]]
    out = draw_grid(
        [[filled(color) for color in row] for row in colors],
        ['Input', 'Prediction'],
        ['first', 'second'],
        out=tmp_path / 'new' / 'grid.png',
        cell_width=100,
    )
    picture = cv2.imread(str(out))[..., ::-1]
    for y, row in enumerate(colors):
        for x, color in enumerate(row):
            area = (picture == color).all(-1)
            assert 0.96 < area.sum() / 5000 < 1.04
            centre = np.argwhere(area).mean(0)
            assert (centre[0] > picture.shape[0] / 2) == bool(y)
            assert (centre[1] > picture.shape[1] / 2) == bool(x)


def test_a_smaller_picture_keeps_its_aspect_and_none_stays_white(tmp_path):
    out = draw_grid(
        [[filled((200, 0, 0)), filled((0, 200, 0), 50, 50), None]],
        ['a', 'b', 'c'],
        out=tmp_path / 'grid.png',
        cell_width=100,
    )
    picture = cv2.imread(str(out))[..., ::-1]
    square = np.argwhere((picture == (0, 200, 0)).all(-1))
    extent = np.ptp(square, axis=0) + 1
    assert abs(extent - 50).max() <= 2
    assert (picture[40:, -90:] == 255).all()


def test_legend_shows_the_colours_of_the_classes(tmp_path):
    arguments = ([[filled((9, 9, 9))]], ['Input'])
    out = draw_grid(
        *arguments,
        classes=['road', 'rider'],
        palette=PALETTE,
        out=tmp_path / 'grid.png',
    )
    picture = cv2.imread(str(out))[..., ::-1]
    for color in PALETTE:
        assert (picture == color).all(-1).sum() > 100


def test_long_names_are_cut_at_their_front():
    assert _fit('frankfurt_000000_000294', 9) == '…0_000294'
    assert _fit('ulm_000001', 10) == 'ulm_000001'


@pytest.mark.parametrize(
    'rows, titles, extra, message',
    [
        ([], ['a'], {}, 'at least one row'),
        ([[None]], ['a'], {}, 'row 0 of the grid has no picture'),
        ([[filled(1)]], ['a', 'b'], {}, '1 pictures for 2 column titles'),
        ([[filled(1)]], ['a'], {'row_titles': []}, '0 row titles'),
        ([[filled(1)]], ['a'], {'classes': ['x']}, 'only 0 colours'),
        ([[filled(1)]], ['a'], {'out': 'grid.xyz'}, "'.xyz'; use one of"),
    ],
)
def test_wrong_input_is_named(rows, titles, extra, message):
    with pytest.raises(InputError, match=message):
        draw_grid(rows, titles, **extra)

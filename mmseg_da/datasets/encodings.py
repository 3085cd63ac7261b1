"""The label encodings that a config can name."""

from collections.abc import Sequence
from dataclasses import replace

from mmseg.datasets import CityscapesDataset

from mmseg_da.datasets.label_encoding import IGNORE_INDEX, LabelEncoding, pack
from mmseg_da.errors import InputError

# The Cityscapes label id of each of the 19 train ids, road to bicycle.
TRAIN_TO_LABEL_ID = (
    *(7, 8, 11, 12, 13, 17, 19, 20, 21, 22),
    *(23, 24, 25, 26, 27, 28, 31, 32, 33),
)
NUM_LABEL_IDS = 35
# Colours of what is not evaluated: unlabeled and its like, dynamic, ground,
# parking, rail track, guard rail, bridge, tunnel, caravan, trailer; and
# GTA5's own grey for static. Two labels share an evaluated class's colour
# and so count as that class in files of colours: polegroup (pole), licence
# plate (car).
VOID_COLOURS = (
    *((0, 0, 0), (20, 20, 20), (111, 74, 0), (81, 0, 81)),
    *((250, 170, 160), (230, 150, 140), (180, 165, 180), (150, 100, 100)),
    *((150, 120, 90), (0, 0, 90), (0, 0, 110)),
)
_CITYSCAPES = CityscapesDataset.METAINFO
_PALETTE = _CITYSCAPES['palette']
_VOID_LABEL_IDS = {*range(NUM_LABEL_IDS), 255} - set(TRAIN_TO_LABEL_ID)

COLOURS = LabelEncoding(
    expected='label_encoding says that the files hold colours',
    expected_colours="an RGB label uses Cityscapes' colours only",
    colours=(
        *((pack(colour), IGNORE_INDEX) for colour in VOID_COLOURS),
        *((pack(colour), i) for i, colour in enumerate(_PALETTE)),
    ),
)
LABEL_IDS = replace(
    COLOURS,
    expected=(
        'label ids are 0 to 34 and 255 (for files of train ids set '
        "label_encoding='train_ids')"
    ),
    ids=(
        *((label_id, i) for i, label_id in enumerate(TRAIN_TO_LABEL_ID)),
        # 255: the licence plate's -1 stored in 8 bits.
        *((label_id, IGNORE_INDEX) for label_id in sorted(_VOID_LABEL_IDS)),
    ),
    # Polegroup has the colour of pole, the licence plate that of car.
    shared_colours=(
        (18, pack((153, 153, 153))),
        *((label_id, pack((0, 0, 142))) for label_id in (34, 255)),
    ),
)
TRAIN_IDS = replace(
    COLOURS,
    expected='train ids are 0 to 18 and 255',
    ids=(*((i, i) for i in range(19)), (IGNORE_INDEX, IGNORE_INDEX)),
)
NAMED = {'label_ids': LABEL_IDS, 'train_ids': TRAIN_IDS, 'colours': COLOURS}
# Where nothing says what the files hold. The colours of a palette may tell.
UNCLEAR = replace(LABEL_IDS, is_declared=False, is_unclear=True)


def build_named(
    name: str, classes: Sequence[str], palette: Sequence[Sequence[int]] = ()
) -> LabelEncoding:
    """Build the encoding 'label_ids', 'train_ids' or 'colours'.

    Raises:
        InputError: The classes, or the palette's colours, do not allow for it.
    """
    if tuple(classes) == tuple(_CITYSCAPES['classes']):
        return NAMED[name]
    if name == 'label_ids':
        raise InputError(
            "label_encoding is 'label_ids', which stand for Cityscapes' "
            f'classes, but the data set has {len(classes)} others: give a '
            'dict with ids.'
        )
    colours = class_colours(palette)
    if name == 'colours':
        if len(colours) < len(classes):
            raise InputError(
                "label_encoding is 'colours', but metainfo.palette does not "
                f'give each of the {len(classes)} classes a colour of its '
                'own: complete it, or give a dict with colours.'
            )
        # Black is the void unless it is a class.
        colours = (*{0: IGNORE_INDEX, **dict(colours)}.items(),)
        return LabelEncoding(
            expected=COLOURS.expected,
            expected_colours='labels have the colours of metainfo.palette',
            colours=colours,
        )
    last = len(classes) - 1
    return LabelEncoding(
        expected=f'train ids are 0 to {last} and 255',
        ids=(*((i, i) for i in range(last + 1)), (IGNORE_INDEX, IGNORE_INDEX)),
        class_colours=colours,
    )


def class_colours(
    palette: Sequence[Sequence[int]] | None,
) -> tuple[tuple[int, int], ...]:
    """Pairs of a colour and the class that alone has it."""
    colours = [pack(colour) for colour in palette or ()]
    return tuple(
        (colour, index)
        for index, colour in enumerate(colours)
        if colours.count(colour) == 1
    )


def guess_encoding(
    suffix: str,
    classes: Sequence[str] = _CITYSCAPES['classes'],
    palette: Sequence[Sequence[int]] = (),
) -> LabelEncoding | None:
    """Guess train ids or label ids from what the names of labels end in.

    None where the suffix says neither, in any spelling.
    """
    letters = ''.join(c for c in suffix.lower() if c.isalpha())
    for part, name in (('trainid', 'train_ids'), ('labelid', 'label_ids')):
        if part in letters:
            guess = build_named(name, classes, palette)
            return replace(guess, is_declared=False)
    return None


def get_encoding(spec: str | LabelEncoding | None) -> LabelEncoding:
    """Get an encoding by its name; an unclear one for None."""
    if isinstance(spec, LabelEncoding):
        return spec
    return UNCLEAR if spec is None else NAMED[spec]

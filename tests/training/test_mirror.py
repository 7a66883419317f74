import numpy as np
import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.image.labels import ColorTable, Structure, read_ctab
from fs_sclimbic.training.mirror import check_mirrored, mirrored_channels, other_side


def table(*names):
    return ColorTable(tuple(Structure(i, name, (0, 0, 0, 0)) for i, name in enumerate(("Unknown", *names))))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Left-Fornix", "Right-Fornix"),
        ("Right-HypoThal-noMB", "Left-HypoThal-noMB"),
        ("ctx-lh-cuneus", "ctx-rh-cuneus"),
        ("rh_V1", "lh_V1"),
        ("Mid-AntCom", None),
        ("Leftover", None),
        ("Unknown", None),
    ],
)
def test_other_side(name, other):
    assert other_side(name) == other


def test_the_shipped_structures_change_places_in_pairs():
    colors = read_ctab()
    channels = mirrored_channels(colors)
    names = [structure.name for structure in colors]
    assert np.array_equal(channels[channels], np.arange(len(colors)))
    for name, channel in zip(names, channels, strict=True):
        assert names[channel] == (other_side(name) or name)
    assert sum(channels != np.arange(len(colors))) == 12
    check_mirrored(colors)


def test_a_structure_without_a_partner():
    colors = table("Left-Ball", "Rod")
    assert list(mirrored_channels(colors)) == [0, 1, 2]
    with pytest.raises(UsageError, match=r"--flip: the colour table has Left-Ball, but not Right-Ball"):
        check_mirrored(colors)

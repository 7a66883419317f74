import numpy as np
import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.image.labels import ColorTable, Structure, read_ctab
from fs_sclimbic.training.mirror import check_mirrored, describe_mirrored, mirrored_channels, other_side


def table(*names):
    return ColorTable(tuple(Structure(i, name, (0, 0, 0, 0)) for i, name in enumerate(("Unknown", *names))))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Left-Fornix", "Right-Fornix"),
        ("Right-HypoThal-noMB", "Left-HypoThal-noMB"),
        ("ctx-lh-cuneus", "ctx-rh-cuneus"),
        ("rh_V1", "lh_V1"),
        ("ctx_rh_G_cuneus", "ctx_lh_G_cuneus"),
        ("wm-lh-insula", "wm-rh-insula"),
        ("left_tuberal", "right_tuberal"),
        ("Amygdala_Right", "Amygdala_Left"),
        ("FORNIX LEFT", "FORNIX RIGHT"),
        ("Left-L-Sg", "Right-L-Sg"),
        ("L_Hippocampus", "R_Hippocampus"),
        ("fornix.R", "fornix.L"),
        ("Pulvinar-L-lateral", None),
        ("Bright-Spot", None),
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


def test_the_log_names_structures_that_stay():
    """A side that the names do not tell can be seen there."""
    assert describe_mirrored(table("Left-Ball", "Rod", "Right-Ball", "Cone")) == (
        "mirrored heads: 1 pair of left and right structures change places; these keep their names: Rod, Cone"
    )
    assert describe_mirrored(table("L_Ball", "R_Ball", "lh-X", "rh-X")).endswith(
        "2 pairs of left and right structures change places; these keep their names: none"
    )

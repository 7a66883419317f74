import pytest

from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.segmentation.structure_words import describe_structure, pair_sides, split_side


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Right-Nucleus-Accumbens", "right accumbens"),
        ("Left-HypoThal-noMB", "left hypothalamus"),
        ("Mid-AntCom", "anterior commissure"),
        ("Left-Some_Thing-of-others", "left Some Thing of others"),
        ("Pons", "Pons"),
        ("Left", "Left"),
    ],
)
def test_words(name, words):
    assert describe_structure(name) == words


def test_sides_of_the_limbic_model():
    names = [structure.name for structure in read_ctab().foreground]
    pairs = pair_sides(names)
    assert len(pairs) == 6
    assert ("Left-Fornix", "Right-Fornix") in pairs
    assert pair_sides(["Left-A", "Right-B", "Mid-C"]) == []


def test_side_and_rest():
    assert split_side("Left-Basal-Forebrain") == ("Left", "Basal-Forebrain")
    assert split_side("Right-") == ("", "Right-")

import pytest

from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.segmentation.structure_words import (
    FULL_WORDS,
    KNOWN_WORDS,
    describe_structure,
    pair_sides,
    split_side,
    title_structure,
)


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


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Left-HypoThal-noMB", "Hypothalamus without mammillary body, left"),
        ("Right-Nucleus-Accumbens", "Nucleus accumbens, right"),
        ("Mid-AntCom", "Anterior commissure"),
        ("Bilateral-Fornix", "Fornix, both sides"),
        ("Laterality-SeptalNuc", "Septal nuclei, left against right"),
        ("Left-Thalamus", "Left-Thalamus"),
        ("eTIV", "eTIV"),
    ],
)
def test_printed_names(name, title):
    assert title_structure(name) == title


def test_every_known_structure_has_a_printed_name():
    assert set(FULL_WORDS) == set(KNOWN_WORDS)

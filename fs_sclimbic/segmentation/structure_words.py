"""Names of structures in plain words, for reasons that people read."""

from collections.abc import Iterable

SIDES = {"Left": "left", "Right": "right", "Mid": ""}
KNOWN_WORDS = {
    "Nucleus-Accumbens": "accumbens",
    "HypoThal-noMB": "hypothalamus",
    "Fornix": "fornix",
    "MammillaryBody": "mammillary body",
    "AntCom": "anterior commissure",
    "Basal-Forebrain": "basal forebrain",
    "SeptalNuc": "septal nuclei",
}
"""Of the limbic model; names of other models are taken apart at their hyphens."""
OTHER_SIDE = {"Left": "Right", "Right": "Left"}


def split_side(name: str) -> tuple[str, str]:
    """A StructName as side and the rest: ``("Left", "Fornix")``; the side is empty where none is given."""
    side, _, rest = name.partition("-")
    return (side, rest) if side in SIDES and rest else ("", name)


def describe_structure(name: str) -> str:
    """A StructName in words, such as ``right accumbens``.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
    """
    side, rest = split_side(name)
    words = KNOWN_WORDS.get(rest, rest.replace("-", " ").replace("_", " "))
    return f"{SIDES.get(side, '')} {words}".strip()


def pair_sides(names: Iterable[str]) -> list[tuple[str, str]]:
    """The structures that exist on both sides.

    Parameters
    ----------
    names : iterable of str
        StructNames.

    Returns
    -------
    list of (left, right)
    """
    there = list(names)
    pairs = [(name, f"Right-{split_side(name)[1]}") for name in there if split_side(name)[0] == "Left"]
    return [(left, right) for left, right in pairs if right in there]

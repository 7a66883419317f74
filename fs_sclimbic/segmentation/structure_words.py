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
FULL_WORDS = {
    "Nucleus-Accumbens": "Nucleus accumbens",
    "HypoThal-noMB": "Hypothalamus without mammillary body",
    "Fornix": "Fornix",
    "MammillaryBody": "Mammillary body",
    "AntCom": "Anterior commissure",
    "Basal-Forebrain": "Basal forebrain",
    "SeptalNuc": "Septal nuclei",
}
"""For figures and tables that are printed; other names stay as they are."""
SIDES_AFTER = {
    "Left": ", left",
    "Right": ", right",
    "Mid": "",
    "Bilateral": ", both sides",
    "Laterality": ", left against right",
}
"""What stands after a printed name; tables of both sides have the last two."""
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


def title_structure(name: str) -> str:
    """A StructName as it is printed, such as ``Nucleus accumbens, right``; an unknown name as it is.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
    """
    side, _, rest = name.partition("-")
    if name in FULL_WORDS:
        return FULL_WORDS[name]
    return FULL_WORDS[rest] + SIDES_AFTER[side] if side in SIDES_AFTER and rest in FULL_WORDS else name


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

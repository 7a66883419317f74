"""The heads of a training: found, read, and checked for the structures that are to be learned."""

from collections import Counter
from collections.abc import Callable, Sequence
from os import PathLike

from ..errors import SclimbicError, UsageError
from ..image.labels import ColorTable
from .dataset import TRAIN, VALIDATE, Example, HeadFiles, hold_out, pair_folders, read_example, read_list
from .recipe import Recipe

# A line names at most so many heads.
MAX_NAMES = 5

Tell = Callable[..., None]
"""Called with a line, and for an error or a warning with ``severity``."""


def find_heads(
    *,
    list_file: str | PathLike[str] | None,
    root: str | PathLike[str] | None,
    images: str | PathLike[str] | None,
    labels: str | PathLike[str] | None,
    validation_share: float,
    seed: int,
) -> list[HeadFiles]:
    """The heads of a list or of two folders, those for validation marked.

    Parameters
    ----------
    list_file : path-like or None
        A training list; see `fs_sclimbic.training.dataset.read_list`.
    root : path-like or None
        Folder that the list's paths start from; None: the list's own.
    images, labels : path-like or None
        Instead of a list: folders with files of the same names.
    validation_share : float
        Share of the heads, at least one, that is kept for validation if the list marks none; 0: none.
    seed : int
        Chooses them.

    Returns
    -------
    list of HeadFiles

    Raises
    ------
    UsageError
        If there is neither a list nor folders, or no head is left to learn from.
    TableError
        If the list cannot be read.
    """
    if bool(list_file) == bool(images or labels):
        raise UsageError("give --data TSV, or --images DIR and --labels DIR")
    if list_file:
        heads = read_list(list_file, root)
    elif images and labels:
        heads = pair_folders(images, labels)
    else:
        raise UsageError("--images and --labels go together")
    if not 0 <= validation_share < 1:
        raise UsageError(f"--validate {validation_share}: give a share from 0 to less than 1")
    if validation_share:
        heads = hold_out(heads, validation_share, seed)
    if not any(head.split == TRAIN for head in heads):
        raise UsageError(f"{list_file or images}: no head is left to learn from")
    return heads


def read_examples(
    heads: Sequence[HeadFiles], colors: ColorTable, recipe: Recipe, *, tell: Tell
) -> dict[str, list[Example]]:
    """Read all heads; tell of every one that cannot be used before anything is trained.

    Parameters
    ----------
    heads : sequence of HeadFiles
    colors : ColorTable
        The structures to learn.
    recipe : Recipe
        Its box and intensity range.
    tell : callable
        Is given a line, and ``severity`` where it is not a note.

    Returns
    -------
    dict
        Heads to learn from and to validate on: ``{"train": [...], "validate": [...]}``.

    Raises
    ------
    UsageError
        If a head cannot be used, or no head to learn from has one of the structures.
    """
    examples: dict[str, list[Example]] = {TRAIN: [], VALIDATE: []}
    broken = []
    used = [head for head in heads if head.split in examples]
    left_out = Counter(head.split for head in heads if head.split not in examples)
    tell(
        f"reading {len(used)} heads"
        + (f"; left out: {', '.join(f'{n} {split}' for split, n in left_out.items())}" if left_out else "")
    )
    for head in used:
        try:
            examples[head.split].append(read_example(head, colors, recipe.fov, recipe.percentile))
        except SclimbicError as error:
            broken.append(str(error))
    for line in broken:
        tell(line, severity="error")
    if broken:
        raise UsageError(f"{len(broken)} of {len(used)} heads cannot be used; mend them or take them off the list")
    _check_structures(examples, colors, tell)
    names = ", ".join(example.name for example in examples[VALIDATE]) or "none"
    tell(f"{len(examples[TRAIN])} heads to learn from; to validate: {names}")
    return examples


def _check_structures(examples: dict[str, list[Example]], colors: ColorTable, tell: Tell) -> None:
    """Tell of structures that some heads lack; error if no head to learn from has one."""
    for i, structure in enumerate(colors.foreground):
        for split, heads in examples.items():
            missing = [head.name for head in heads if not head.has_structures[i]]
            if heads and len(missing) == len(heads) and split == TRAIN:
                raise UsageError(
                    f"{structure.index} {structure.name} is in none of the {len(heads)} heads to learn from; take it "
                    "off the colour table (--ctab)"
                )
            if missing:
                names = f"{', '.join(missing[:MAX_NAMES])}{' ...' if len(missing) > MAX_NAMES else ''}"
                tell(
                    f"{structure.name} is missing in {len(missing)} of {len(heads)} heads to {split}: {names}",
                    severity="warning",
                )

"""FreeSurfer group descriptor files (FSGD): a study's subjects, classes and variables as text."""

import os
from os import PathLike
from pathlib import Path

from ...errors import DesignError, UsageError
from ..text_files import finite_number, read_content
from .design import METHODS, Design, Method
from .fsgd_checks import FsgdOptions, design_of
from .fsgd_content import Notes
from .fsgd_tags import FIRST_TAG, TagReader

ALLOW_REPEATED = "FSGDF_ALLOW_SUBJ_REP"
"""Environment variable; if it exists, subjects may stand on several Input lines, as with mri_glmfit."""


def read_fsgd(
    path: str | PathLike[str], method: str | None = None, *, allow_repeated: bool = False, rescale: bool = False
) -> tuple[Design, tuple[str, ...]]:
    """Read an FSGD.

    Parameters
    ----------
    path : path-like
    method : str, optional
        ``dods`` or ``doss`` in any case; ``none`` and None leave it to the file, and without a tag there to dods.
        A DODS or DOSS tag in the file wins, as with mri_glmfit, and a warning says so.
    allow_repeated : bool
        Let a subject stand on several Input lines; so does the environment variable ``FSGDF_ALLOW_SUBJ_REP``.
    rescale : bool
        Divide the variables by their standard deviation, whatever the file's ReScaleFlag says.

    Returns
    -------
    Design
    tuple of str
        What looks wrong but may be meant, each with file and line.

    Raises
    ------
    DesignError
        With all problems, one a line, each with file and line.
    UsageError
        If ``method`` is none.
    """
    file = Path(path)
    try:
        content = read_content(file, "FSGD", DesignError)
    except FileNotFoundError as error:
        raise DesignError(f"{file}: FSGD does not exist") from error
    except OSError as error:
        raise DesignError(f"{file}: FSGD cannot be read ({error.strerror})") from error
    if b"\0" in content or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DesignError(f"{file}:1: expected text in UTF-8, found another kind of file; save it as plain text")
    if b"\r" in content and b"\n" not in content:
        raise DesignError(
            f"{file}:1: lines end with a carriage return alone, which mri_glmfit cannot read either; save it as plain "
            r"text, or convert it with tr '\r' '\n'"
        )
    notes = []
    if content.startswith(b"\xef\xbb\xbf"):
        notes.append(f"{file}:1: begins with a byte order mark, which mri_glmfit refuses; save it as UTF-8 without one")
    text = content.decode("utf-8-sig", "surrogateescape")
    design, warnings = parse_fsgd(text, str(file), method, allow_repeated=allow_repeated, rescale=rescale)
    return design, (*notes, *warnings)


def parse_fsgd(
    text: str,
    source: str = "fsgd",
    method: str | None = None,
    *,
    allow_repeated: bool = False,
    rescale: bool = False,
) -> tuple[Design, tuple[str, ...]]:
    """The design that the text of an FSGD describes; see `read_fsgd`.

    Parameters
    ----------
    text : str
    source : str
        Name of the file, for messages.
    method, allow_repeated, rescale
        As in `read_fsgd`.

    Returns
    -------
    Design
    tuple of str
        What looks wrong but may be meant.
    """
    notes = Notes(source)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    wishes = FsgdOptions(design_method(method), allow_repeated or ALLOW_REPEATED in os.environ, rescale)
    design = design_of(TagReader(notes).read(text), notes, wishes)
    return design, notes.located(notes.warnings)


def design_method(word: str | None) -> Method | None:
    """The method that a word of the command line names, in any case; ``none`` names none."""
    if word is None or word.lower() == "none":
        return None
    found = next((method for method in METHODS if method == word.lower()), None)
    if found is None:
        raise UsageError(f"design method '{word}': expected dods, doss or none")
    return found


def format_fsgd(design: Design) -> str:
    """The text of an FSGD, which `read_fsgd` reads back as the same design.

    Parameters
    ----------
    design : Design

    Returns
    -------
    str
        Numbers as the shortest text that gives the same float64 again; without blank lines, which stop
        asegstats2table.

    Raises
    ------
    DesignError
        If the design cannot stand in a file, such as a name with a blank.
    """
    rows = dict(design.contrast_rows)
    optional = [
        ("Title", " ".join(design.title.splitlines()).strip()),
        ("MeasurementName", design.measurement),
        ("Tessellation", design.tessellation),
        ("RegistrationSubject", design.registration_subject),
        ("PlotFile", design.plot_file),
        ("DeMeanFlag", "1" if design.demean else ""),
        ("ReScaleFlag", "1" if design.rescale else ""),
        ("ResidualFWHM", "" if design.residual_fwhm is None else _shortest(design.residual_fwhm)),
        ("LogY", "" if design.log_y is None else str(design.log_y)),
        ("DefaultVariable", design.default_variable),
    ]
    lines = [f"{FIRST_TAG} 1", *(f"{tag} {value}" for tag, value in optional if value)]
    lines += [design.method.upper()] if design.method_in_file else []
    lines += [" ".join(filter(None, ("Class", one.name, one.marker, one.color))) for one in design.classes]
    lines += [" ".join(("Variables", *design.variables))] if design.variables else []
    for contrast in design.contrasts:
        if contrast.name in rows:
            lines.append(" ".join(("FContrast", contrast.name, *rows[contrast.name])))
        else:
            lines.append(" ".join(("Contrast", contrast.name, *map(_shortest, contrast.matrix.ravel().tolist()))))
    lines += [
        " ".join(("Input", subject, design.classes[index].name, *map(_shortest, row)))
        for subject, index, row in zip(design.subjects, design.class_of, design.values.tolist(), strict=True)
    ]
    text = "".join(f"{line}\n" for line in lines)
    if not _says_the_same(text, design):
        raise DesignError("a name of the design holds a blank or a sign that an FSGD cannot hold; rename it")
    return text


def _says_the_same(text: str, design: Design) -> bool:
    """Whether the tags, read back, are those of the design. Whether it can be fitted is not checked."""
    notes = Notes("design")
    found = TagReader(notes).read(text)
    inputs = [
        (name, design.classes[index].name, row)
        for name, index, row in zip(design.subjects, design.class_of, design.values.tolist(), strict=True)
    ]
    return (
        not notes.problems
        and [(one.subject, one.class_name, [finite_number(word) for word in one.words]) for one in found.inputs]
        == inputs
        and tuple(one for _, one in found.classes.values()) == design.classes
        and (found.variables or ()) == design.variables
        and found.order == [contrast.name for contrast in design.contrasts]
        and [found.words.get(tag, "") for tag in ("measurementname", "tessellation", "registrationsubject", "plotfile")]
        == [design.measurement, design.tessellation, design.registration_subject, design.plot_file]
        and found.words.get("defaultvariable", "") == design.default_variable
    )


def _shortest(value: float) -> str:
    return repr(value).removesuffix(".0")

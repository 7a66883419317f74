"""Check what the tags of an FSGD say as a whole, and make the design of it."""

import difflib
import re
from dataclasses import dataclass

import numpy as np

from ...errors import DesignError
from ..text_files import DECIMAL_COMMA, MISSING_VALUES, finite_number
from .contrast import Contrast, check_contrast
from .design import Design, Method
from .expression import DASHES
from .fsgd_content import MAX_COUNT, Found, Notes
from .open_ranges import end_of_range


@dataclass(frozen=True)
class FsgdOptions:
    """What the command line adds to the file."""

    method: Method | None = None
    """A tag in the file wins over it."""
    allow_repeated: bool = False
    """Let a subject stand on several Input lines."""
    rescale: bool = False
    """Divide the variables by their standard deviation whatever the file says."""


def design_of(found: Found, notes: Notes, wishes: FsgdOptions) -> Design:
    """Make the design that the tags describe.

    Parameters
    ----------
    found : Found
        What the lines say.
    notes : Notes
        What was noted before; problems and warnings are added.
    wishes : FsgdOptions

    Returns
    -------
    Design

    Raises
    ------
    DesignError
        With all problems noted here and before, one a line.
    """
    if not found.classes:
        notes.problem(
            found.last_line,
            "the file ends here without a Class line; name each class above the Input lines, 'Class NAME'",
        )
    if not found.inputs:
        notes.problem(
            found.last_line,
            "the file ends here without an Input line; give each subject one, 'Input SUBJECT CLASS VALUES'",
        )
    if found.classes:
        _check_classes(found, notes)
    _check_counts(found, notes)
    _check_subjects(found, notes, wishes.allow_repeated)
    _check_words(found, notes, wishes)
    contrasts = _contrasts(found, notes)
    design = _put_together(found, wishes, contrasts, with_values=not notes.problems)
    if found.inputs:
        _check_sizes(found, notes, design)
    _check_columns(found, notes, design)
    if notes.problems:
        raise DesignError("\n".join(notes.located(notes.problems)))
    return design


def _put_together(found: Found, wishes: FsgdOptions, contrasts: tuple[Contrast, ...], *, with_values: bool) -> Design:
    """The Design. If there are problems it holds no values; its classes and columns are enough to check the rest."""
    known = [one for one in found.inputs if one.class_name in found.classes]
    variables = found.variables or ()
    shape = (len(known), len(variables))
    values = np.array([[float(word) for word in one.words] for one in known]) if with_values else np.zeros(shape)
    place = {name: index for index, name in enumerate(found.classes)}
    return Design(
        title=found.title,
        subjects=tuple(one.subject for one in known),
        classes=tuple(one for _, one in found.classes.values()),
        class_of=tuple(place[one.class_name] for one in known),
        variables=variables,
        values=values.reshape(shape),
        method=found.method or wishes.method or "dods",
        demean=found.numbers.get("demeanflag") == 1,
        rescale=wishes.rescale or found.numbers.get("rescaleflag") == 1,
        contrasts=contrasts,
        contrast_rows=tuple((name, tuple(parts)) for name, (_, parts) in found.stacked.items()),
        method_in_file=found.method is not None,
        measurement=found.words.get("measurementname", ""),
        tessellation=found.words.get("tessellation", ""),
        registration_subject=found.words.get("registrationsubject", ""),
        plot_file=found.words.get("plotfile", ""),
        default_variable=found.words.get("defaultvariable", ""),
        residual_fwhm=found.numbers.get("residualfwhm"),
        log_y=int(found.numbers["logy"]) if "logy" in found.numbers else None,
    )


def _check_classes(found: Found, notes: Notes) -> None:
    for name, lines in found.early.items():
        more = f" and {len(lines) - 1} more line(s)" if len(lines) > 1 else ""
        if name in found.classes:
            where = found.classes[name][0]
            notes.problem(lines[0], f"class '{name}' is used here{more}, but named only in line {where}; move it up")
            continue
        close = difflib.get_close_matches(name, found.classes, 1)
        meant = f"did you mean '{close[0]}'? " if close else ""
        subject = next(one.subject for one in found.inputs if one.line == lines[0])
        notes.problem(
            lines[0],
            f"class '{name}' of subject '{subject}'{more} is not defined; {meant}the classes are "
            f"{', '.join(found.classes)}",
        )


def _check_counts(found: Found, notes: Notes) -> None:
    """Each Input has a number for each variable."""
    variables = found.variables or ()
    first = next((one for one in found.inputs if one.words), None)
    if first and found.variables is None:
        notes.problem(
            first.line,
            f"found {len(first.words)} value(s) for subject '{first.subject}' and no Variables line; put "
            "'Variables NAMES' above the first Input",
        )
        return
    if variables and found.inputs and found.inputs[0].line < found.variables_line:
        notes.problem(
            found.variables_line,
            f"Variables stands below the first Input (line {found.inputs[0].line}); move it above",
        )
    for one in found.inputs:
        if len(one.words) != len(variables):
            wanted = f"{len(variables)} value(s) ({', '.join(variables)})" if variables else "no value"
            has_text = len(one.words) > len(variables) and any(re.match(r"[^\W\d]", word) for word in one.words)
            notes.problem(
                one.line,
                f"expected {wanted} for subject '{one.subject}', found {len(one.words)}: "
                f"'{' '.join(one.words)[:60]}'{'; names cannot hold blanks' if has_text else ''}",
            )
        for word, name in zip(one.words, variables, strict=False):
            if finite_number(word) is None:
                notes.problem(one.line, f"subject '{one.subject}', variable '{name}': {_why_not_a_number(word)}")


def _why_not_a_number(word: str) -> str:
    if word.lower() in MISSING_VALUES or word.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return f"expected a number, found '{word}', a missing value; leave the subject out or fill it in"
    if DECIMAL_COMMA.fullmatch(word):
        return f"expected a number, found '{word}'; write it with a decimal point"
    if finite_number(word.translate(dict.fromkeys(map(ord, DASHES), "-"))) is not None:
        return f"expected a number, found '{word[:60]}', whose minus is a dash; write '-'"
    if end_of_range(word):
        return f"expected a number, found '{word}', a range; leave the subject out, or write its end (--missing cap)"
    return f"expected a number, found '{word[:60]}'"


def _check_subjects(found: Found, notes: Notes, allow_repeated: bool) -> None:
    first: dict[str, int] = {}
    repeated: dict[str, int] = {}
    for one in found.inputs:
        if one.subject in first and not allow_repeated:
            notes.problem(
                one.line,
                f"subject '{one.subject}' stands twice, first in line {first[one.subject]}; remove one line, or "
                "allow it with --allowsubjrep",
            )
        elif one.subject in first:
            repeated.setdefault(one.subject, one.line)
        first.setdefault(one.subject, one.line)
    if repeated:
        name, line = next(iter(repeated.items()))
        more = f" and {len(repeated) - 1} more subject(s)" if len(repeated) > 1 else ""
        notes.warning(line, f"subject '{name}'{more} on several Input lines, as allowed")


def _check_words(found: Found, notes: Notes, wishes: FsgdOptions) -> None:
    """Default variable, method, title, and what mri_glmfit has room for."""
    variables = found.variables or ()
    default = found.words.get("defaultvariable")
    if default is not None and default not in variables:
        notes.problem(
            found.words_line["defaultvariable"],
            f"default variable '{default}' is none of the variables ({', '.join(variables) or 'there are none'})",
        )
    if found.method and wishes.method not in (None, found.method):
        notes.warning(
            found.method_line, f"the tag {found.method.upper()} is used, not '{wishes.method}' as asked for elsewhere"
        )
    notes.has_room(found.title_line, "title", found.title)
    for kind, count in (
        ("classes", len(found.classes)),
        ("variables", len(variables)),
        ("contrasts", len(found.order)),
        ("subjects", len(found.inputs)),
    ):
        if count > MAX_COUNT[kind]:
            notes.warning(0, f"{count} {kind}; mri_glmfit has room for {MAX_COUNT[kind]}")


def _contrasts(found: Found, notes: Notes) -> tuple[Contrast, ...]:
    """Contrasts in the order of the file; an FContrast stacks the rows of others."""
    contrasts = []
    for name in found.order:
        if name in found.contrasts:
            contrasts.append(Contrast(name, np.array([found.contrasts[name][1]])))
            continue
        line, parts = found.stacked[name]
        nested = [part for part in parts if part in found.stacked]
        strangers = [part for part in parts if part not in found.order]
        if nested:
            notes.problem(line, f"FContrast '{name}' names '{nested[0]}', which is one too; name its rows instead")
        if strangers:
            notes.problem(line, f"FContrast '{name}' names '{', '.join(strangers)}', which is no Contrast")
        rows = [found.contrasts[part][1] for part in parts if part in found.contrasts]
        if len({len(row) for row in rows}) > 1:
            widths = ", ".join(f"{part} {len(row)}" for part, row in zip(parts, rows, strict=False))
            notes.problem(line, f"FContrast '{name}': its rows have different numbers of weights ({widths})")
        elif not nested and not strangers:
            contrasts.append(Contrast(name, np.array(rows)))
    return tuple(contrasts)


def _check_sizes(found: Found, notes: Notes, design: Design) -> None:
    for name, text in design.size_problems().items():
        notes.problem(found.classes[name][0], text)
    for one, size in zip(design.classes, design.class_sizes, strict=True):
        if design.method == "dods" and design.variables and size == len(design.variables) + 1:
            line = found.classes[one.name][0]
            notes.warning(line, f"class '{one.name}' has {size} subjects, as many as its columns: its fit is exact")


def _check_columns(found: Found, notes: Notes, design: Design) -> None:
    """Names of the columns, and contrasts against them."""
    twice = sorted({name for name in design.columns if design.columns.count(name) > 1})
    if twice and len(set(design.variables)) == len(design.variables):
        notes.warning(0, f"two columns are called '{', '.join(twice)}'; rename a class or a variable")
    for contrast in design.contrasts:
        line = {**found.contrasts, **found.stacked}[contrast.name][0]
        try:
            check_contrast(contrast, design.columns, f"contrast '{contrast.name}'", None, design.other_columns)
        except DesignError as error:
            for text in str(error).split("\n"):
                notes.problem(line, text)

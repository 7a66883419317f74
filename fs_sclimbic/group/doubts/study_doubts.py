"""All doubts about a study, in the order of what they spoil: rows, values, variables, comparisons, single subjects."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import DesignError, TableError
from ...notice import Notice
from ..design.compared_at import comparison_doubts
from ..design.contrast import Contrast
from ..design.design import Design
from ..design.design_summary import tested_at
from ..design.odd_variables import class_doubts, impossible_values, variable_doubts
from ..design.people import REPETITION_ADVICE, repetition_problem
from ..fit.glm import Fit
from ..fit.results import GroupResult
from ..fit.study import GLOBAL_MEASURES, RAW, Study
from ..text_table import ETIV_NAMES, GroupTable, etiv_column, holds_volumes
from .classes import classes_of
from .comparisons import level_doubts
from .odd_values import Measurements, equal_rows, mixed_etiv, refuse_equal_rows, refuse_other_units, value_doubts
from .spread import compared_spreads, describe_spreads

MAX_DECISIVE = 6
"""So many structures are named with the subject that decides them."""


def refuse_dishonest_rows(study: Study, table: GroupTable, table_name: str, *, allow_repeated: bool) -> None:
    """Refuse rows of which no honest p value can be made.

    Parameters
    ----------
    study : Study
    table : GroupTable
        It came from.
    table_name : str
        For messages.
    allow_repeated : bool
        Let a person stand in several rows.

    Raises
    ------
    TableError
        If units are mixed, or an image stands under two names.
    DesignError
        If people stand in several rows, or an age is none.
    """
    values = measurements(study, table)
    if holds_volumes(table):
        refuse_other_units(values, table_name, etiv_is_used=study.options.etiv != RAW or study.options.analyse_etiv)
    problems = impossible_values(study.design) if study.design else []
    repeated = "" if allow_repeated else repetition_problem(study.subjects, study.matrix)
    if repeated:
        problems.append(f"{repeated}; {REPETITION_ADVICE}")
    if problems:
        raise DesignError("\n".join(problems))
    if not allow_repeated:
        refuse_equal_rows(measurements(study, table, of_all_columns=True), table_name)


def measurements(study: Study, table: GroupTable, *, of_all_columns: bool = False) -> Measurements:
    """The volumes of the subjects of a study as they stand in its table.

    Parameters
    ----------
    study : Study
    table : GroupTable
    of_all_columns : bool
        Also of structures that are not analysed; so it is where the study has combinations of columns.

    Returns
    -------
    Measurements
    """
    place, design = {name: row for row, name in enumerate(table.subjects)}, classes_of(study)
    rows = [place[name] for name in study.subjects]
    left_out = {*GLOBAL_MEASURES, *ETIV_NAMES}
    is_combined = not set(study.structures) <= set(table.columns)
    wanted = set(table.columns if of_all_columns or is_combined else study.structures) - left_out
    columns = [k for k, name in enumerate(table.columns) if name in wanted]
    try:
        etiv = etiv_column(table)
    except TableError:  # two columns of it, one of which is left out
        etiv = next(k for k, name in enumerate(table.columns) if name in ETIV_NAMES)
    return Measurements(
        subjects=study.subjects,
        class_of=np.array(design.class_of if design else np.zeros(len(rows)), int),
        structures=[table.columns[k] for k in columns],
        volumes=table.values[np.ix_(rows, columns)],
        etiv=None if etiv is None else table.values[rows, etiv],
        etiv_name="eTIV" if etiv is None else table.columns[etiv],
    )


def data_doubts(study: Study, table: GroupTable) -> list[Notice]:
    """Doubts about rows, values and variables.

    Parameters
    ----------
    study : Study
        Not refused by `refuse_dishonest_rows`.
    table : GroupTable
        It came from.

    Returns
    -------
    list of Notice
    """
    values = measurements(study, table)
    texts = (
        [repetition_problem(study.subjects, study.matrix)] if len(set(study.subjects)) == len(study.subjects) else []
    )
    texts += [f"the same values in every structure for {' and '.join(names)}" for names in equal_rows(values)]
    if holds_volumes(table):
        texts += value_doubts(replace(values, etiv=None) if mixed_etiv(values) else values)  # told with eTIV
    design = classes_of(study)
    if design is not None:
        texts += [*class_doubts(design), *variable_doubts(design)]
    return [Notice("warning", text) for text in texts if text]


def contrast_doubts(study: Study, design: Design | None, contrasts: Sequence[Contrast]) -> list[Notice]:
    """Doubts about what contrasts ask.

    Parameters
    ----------
    study : Study
    design : Design, optional
        By whose columns the study is fitted.
    contrasts : sequence of Contrast

    Returns
    -------
    list of Notice
    """
    texts = [f"{name}: {text}" for name, text in level_doubts(study, contrasts).items()]
    texts += comparison_doubts(design, contrasts) if design else []
    return [Notice("warning", text) for text in texts]


def doubt_results(
    study: Study, fit: Fit, design: Design | None, results: Sequence[GroupResult], *, robust: bool
) -> tuple[tuple[GroupResult, ...], list[Notice]]:
    """Doubts about results: variances that differ between classes, subjects who decide them.

    Parameters
    ----------
    study : Study
    fit : Fit
    design : Design, optional
        By whose columns the study is fitted.
    results : sequence of GroupResult
        One a contrast.
    robust : bool
        Whether variances are let differ.

    Returns
    -------
    results : tuple of GroupResult
        The same, with a note at each structure that is doubted.
    notices : list of Notice
    """
    noted, notices = [], list[Notice]()
    levels = level_doubts(study, [result.contrast for result in results])
    for result in results:
        name, contrast = result.contrast.name, result.contrast
        spreads = [] if robust else compared_spreads(study, fit, contrast)
        decided = decisive_subjects(study, result)
        if spreads:
            notices.append(Notice("warning", f"{name}: {describe_spreads(spreads)}"))
        if decided:
            notices.append(Notice("warning", f"{name}: {describe_decisive(study, result, decided)}"))
        everywhere = ["tests whether a mean is 0"] if name in levels else []
        if design and not tested_at(design, contrast) and comparison_doubts(design, [contrast]):
            everywhere.append("compares classes where one has nobody")
        uneven = {one.structure for one in spreads}
        notes = []
        for column, (structure, note) in enumerate(zip(result.structures, result.notes, strict=True)):
            own = ["classes vary differently"] if structure in uneven else []
            own += [f"without {study.subjects[row]} p {result.influence.p[row, column]:.2g}"
                    for row, k in decided if k == column and result.influence]  # fmt: skip
            notes.append("; ".join(filter(None, (note, *everywhere, *own))))
        noted.append(replace(result, notes=tuple(notes)))
    return tuple(noted), notices


def decisive_subjects(study: Study, result: GroupResult) -> list[tuple[int, int]]:
    """Subjects without whom a contrast moves by a standard error or more.

    Parameters
    ----------
    study : Study
    result : GroupResult

    Returns
    -------
    list of (int, int)
        Indices of subject and structure, the pair that moves most first.
    """
    influence = result.influence
    if influence is None:
        return []
    found = np.argwhere(influence.decisive & result.family & (len(study.subjects) > 1))
    return sorted(((int(i), int(k)) for i, k in found), key=lambda cell: -float(influence.shift[cell]))


def describe_decisive(study: Study, result: GroupResult, found: Sequence[tuple[int, int]]) -> str:
    """Decisive subjects in words, with p and p without them.

    Parameters
    ----------
    study : Study
    result : GroupResult
    found : sequence of (int, int)
        As `decisive_subjects` gives them.

    Returns
    -------
    str
    """
    influence = result.influence
    if influence is None:
        return ""
    cells = [
        f"{study.structures[k]} by {study.subjects[i]} (p {result.test.p[k]:.2g}, without {influence.p[i, k]:.2g})"
        for i, k in found
    ]
    more = len(cells) - MAX_DECISIVE
    return (
        f"single subjects decide much of {', '.join(cells[:MAX_DECISIVE])}"
        + (f" and {more} more" if more > 0 else "")
        + "; look at their images"
    )

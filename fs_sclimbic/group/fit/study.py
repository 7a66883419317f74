"""A design and a table brought together: subjects by name, eTIV, and what a researcher should know about the data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError, TableError
from ...notice import Notice
from ...registration.plausibility import why_implausible
from ..design.design import Design
from ..design.model import Model
from ..head_sizes import about_identity, brain_doubts, etiv_doubts, size_doubts, without_scaling
from ..name_matching import DEFAULT_RULE, NameRule
from ..tables.combined import LATERALITY
from ..text_files import listed
from ..text_table import ETIV_NAMES, GroupTable, etiv_column, holds_volumes
from .glm import Array
from .odd_cells import name_cells, odd_value_notices
from .rows import match_by_name, match_by_order

ETIV_SCALE = 100_000
"""Volumes divided by eTIV are multiplied by this, as mri_glmfit --scale-by-etiv does."""
RAW, SCALED, COVARIATE = "raw", "scaled", "covariate"
ETIV_USES = {
    RAW: "not used: volumes as they are; a difference in head size shows in them",
    SCALED: f"every structure divided by eTIV, times {ETIV_SCALE} (--scale-by-etiv)",
    COVARIATE: "covariate eTIV, centred on its mean, one slope for all (--etiv-covariate)",
}
"""What is done with eTIV, in words for the log and the report."""
ETIV_COVARIATE = "eTIV"

BRAIN = "BrainSegVol"
GLOBAL_MEASURES = (
    "BrainSegVol", "BrainSegVolNotVent", "BrainSegVolNotVentSurf", "lhCortexVol", "rhCortexVol", "CortexVol",
    "lhCerebralWhiteMatterVol", "rhCerebralWhiteMatterVol", "CerebralWhiteMatterVol", "SubCortGrayVol",
    "TotalGrayVol", "SupraTentorialVol", "SupraTentorialVolNotVent", "SupraTentorialVolNotVentVox", "MaskVol",
    "BrainSegVol-to-eTIV", "MaskVol-to-eTIV", "lhSurfaceHoles", "rhSurfaceHoles", "SurfaceHoles", "VentricleChoroidVol",
    "SegmentedTotalIntraCranialVol", "IntraCranialVol", "ICV", "etiv", "ETIV",
)  # fmt: skip
"""Columns of aseg tables that are no structures, and names of eTIV that mri_glmfit does not take for it."""


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """What is done with rows and columns."""

    etiv: str = RAW
    """One of `ETIV_USES`."""
    analyse_etiv: bool = False
    """Treat eTIV as a structure."""
    logarithm: bool = False
    """Fit the natural logarithm of the values."""
    allow_missing: bool = False
    """Drop subjects of the design that the table lacks."""
    names: NameRule = DEFAULT_RULE
    """How subjects are found in the table."""
    exclude: tuple[int, ...] = ()
    """Rows of the design to leave out, from 0."""
    columns: tuple[str, ...] = ()
    """Structures to analyse; empty: all."""
    exclude_columns: tuple[str, ...] = ()


DEFAULT_STUDY_OPTIONS = StudyOptions()


@dataclass(frozen=True, eq=False, kw_only=True)
class Study:
    """What goes into a fit: n subjects, m columns of the table, p columns of X."""

    subjects: tuple[str, ...]
    measure: str
    structures: tuple[str, ...]
    table: Array
    """(n, m), after scaling by eTIV, before a logarithm."""
    values: Array
    """(n, m), what is fitted."""
    family: NDArray[np.bool_]
    """(m,), False for eTIV, which is no structure."""
    columns: tuple[str, ...]
    matrix: Array
    """(n, p)."""
    design: Design | None
    """Of the subjects that are analysed, where an FSGD gives one."""
    kept: tuple[int, ...]
    """Rows of the model as it was given, in the order of ``subjects``."""
    options: StudyOptions
    notices: tuple[Notice, ...]
    """What a researcher should know."""
    unscaled: Array
    """(n, m), as the table has them, before scaling by eTIV."""
    head_sizes: Array | None = None
    """(n,), eTIV in mm^3, where it is used."""
    unscaled_structures: tuple[str, ...] = ()
    """Columns that a scaling by eTIV leaves alone: eTIV itself."""


def assemble(model: Model, table: GroupTable, options: StudyOptions, table_name: str = "the table") -> Study:
    """Bring a design and a table together.

    Parameters
    ----------
    model : Model
        With subjects, the rows of the table are found by their names; without, they must be as many.
    table : GroupTable
    options : StudyOptions
    table_name : str
        For messages.

    Returns
    -------
    Study

    Raises
    ------
    DesignError
        If subjects are missing in the table, or rows do not fit.
    TableError
        If eTIV is wanted and is not there or not positive, or a logarithm of a value that is not positive.
    """
    wanted, notices = _wanted_rows(model, options)
    found = (
        match_by_order(model, table, wanted, table_name)
        if model.subjects is None
        else match_by_name(model, table, wanted, table_name, allow_missing=options.allow_missing, rule=options.names)
    )
    structures, selected, etiv, more = _choose_columns(table, options, table_name)
    notices += [*found.notices, *more]
    subjects = tuple(table.subjects[row] for row in found.rows)
    values = table.values[np.ix_(found.rows, selected)]
    unscaled = values
    size: Array | None = None
    columns, matrix = model.columns, found.matrix
    if options.etiv != RAW:
        size, more = _head_sizes(table, found.rows, etiv, table_name)
        notices += more
        if options.etiv == SCALED:
            is_etiv = np.array([column == etiv for column in selected])
            values = np.where(is_etiv, values, values / size[:, None] * ETIV_SCALE)
        elif ETIV_COVARIATE in columns:
            raise DesignError(
                f"{model.source} has a column '{ETIV_COVARIATE}' already; take it out, or --etiv-covariate"
            )
        else:
            columns, matrix = (*columns, ETIV_COVARIATE), np.column_stack([matrix, size - size.mean()])
    elif etiv is not None:
        notices += _etiv_notices(table, found.rows, table.values[found.rows, etiv])
    if len(set(subjects)) < len(subjects):
        notices.append(
            Notice("warning", "a subject stands in several rows; p values take rows for independent subjects")
        )
    family = np.array([options.analyse_etiv or column != etiv for column in selected])
    if holds_volumes(table):
        notices += _size_notices(table, found.rows, etiv)
    notices += odd_value_notices(values, subjects, structures, family, may_be_negative=table.measure == LATERALITY)
    return Study(
        subjects=subjects,
        measure=table.measure,
        structures=structures,
        table=values,
        values=_logarithm(values, subjects, structures, table_name) if options.logarithm else values,
        family=family,
        columns=columns,
        matrix=matrix,
        design=found.design,
        kept=tuple(found.kept),
        options=options,
        notices=tuple(notices),
        unscaled=unscaled,
        head_sizes=size,
        unscaled_structures=tuple(table.columns[column] for column in selected if column == etiv),
    )


def _wanted_rows(model: Model, options: StudyOptions) -> tuple[list[int], list[Notice]]:
    """Rows of the model that are not left out, and a notice of those that are."""
    total = len(model.matrix)
    out_of_range = [row for row in options.exclude if not 0 <= row < total]
    if out_of_range:
        raise DesignError(f"rows to exclude: expected numbers from 0 to {total - 1}, found {listed(out_of_range)}")
    excluded = sorted(set(options.exclude))
    wanted = sorted(set(range(total)).difference(excluded))
    if not excluded:
        return wanted, []
    named = [f"{row} ({model.subjects[row]})" if model.subjects else str(row) for row in excluded]
    counted = model.design is not None and (model.design.demean or model.design.rescale)
    still = "; means and deviations of the variables still count them, as in mri_glmfit" if counted else ""
    return wanted, [Notice("note", f"left out rows of the design as asked for: {listed(named)}{still}")]


def _logarithm(values: Array, subjects: Sequence[str], structures: Sequence[str], table_name: str) -> Array:
    wrong = name_cells(values <= 0, subjects, structures)
    if wrong:
        raise TableError(f"{table_name}: a logarithm needs values above 0, found 0 or less in {listed(wrong)}")
    return np.asarray(np.log(values))


def _head_sizes(table: GroupTable, rows: list[int], etiv: int | None, table_name: str) -> tuple[Array, list[Notice]]:
    """eTIV of the rows, (n,) in mm^3, and notices; it is there, positive, and not the same for everybody."""
    if etiv is None:
        raise TableError(
            f"{table_name}: there is no eTIV column; expected EstimatedTotalIntraCranialVol or eTIV among "
            f"{listed(table.columns)}: {_what_may_be_etiv(table.columns)}"
        )
    size, names = table.values[rows, etiv], [table.subjects[row] for row in rows]
    wrong = [f"{names[i]} ({size[i]:g})" for i in np.flatnonzero(~(size > 0))]
    if wrong:
        raise TableError(f"{table_name}: eTIV must be above 0, found {listed(wrong)}; mend the table or leave them out")
    identity = about_identity(names, size)
    if identity:
        raise TableError(f"{table_name}: {identity}; or leave the subjects out")
    if len(size) > 1 and np.ptp(size) == 0:  # asegstats2table --etiv makes it 100
        raise TableError(
            f"{table_name}: eTIV is {size[0]:g} for every subject; a table made with --etiv is scaled already: "
            "analyse it as it is, or make it without"
        )
    return size, _etiv_notices(table, rows, size)


def _etiv_notices(table: GroupTable, rows: list[int], size: Array) -> list[Notice]:
    """Warnings about eTIVs, (n,) in mm^3; of a column in another unit one for all of it."""
    names = [table.subjects[row] for row in rows]
    if why_implausible(float(np.median(size))) and not without_scaling(size).any():
        return [Notice("warning", f"eTIV has a median of {np.median(size):g}; expected about 1.5e6 mm^3")]
    doubts = etiv_doubts(names, size)
    if BRAIN in table.columns:
        doubts += brain_doubts(names, table.values[rows, table.columns.index(BRAIN)], size)
    return [Notice("warning", text) for text in doubts]


def _size_notices(table: GroupTable, rows: list[int], etiv: int | None) -> list[Notice]:
    """Warnings about subjects who differ from the others in every measure."""
    left_out = {*GLOBAL_MEASURES, *ETIV_NAMES}
    structures = [index for index, name in enumerate(table.columns) if name not in left_out]
    names = [table.subjects[row] for row in rows]
    size = None if etiv is None else table.values[rows, etiv]
    return [Notice("warning", text) for text in size_doubts(names, table.values[np.ix_(rows, structures)], size)]


def _choose_columns(
    table: GroupTable, options: StudyOptions, table_name: str
) -> tuple[tuple[str, ...], list[int], int | None, list[Notice]]:
    """Names and positions of the columns to analyse, position of eTIV, notices."""
    texts: list[str] = []
    unknown = [name for name in (*options.columns, *options.exclude_columns) if name not in table.columns]
    if unknown:
        raise TableError(f"{table_name}: no column {listed(unknown)}; expected some of {listed(table.columns, 1000)}")
    etiv = _one_etiv(table, options, table_name)
    selected = [
        index
        for index, name in enumerate(table.columns)
        if name not in options.exclude_columns and (not options.columns or name in options.columns)
    ]
    if etiv is not None and etiv in selected and options.etiv != RAW and not options.analyse_etiv:
        selected.remove(etiv)
        how = "scale by" if options.etiv == SCALED else "adjust for"
        texts.append(f"{table.columns[etiv]} is used to {how}; it is not analysed as a structure")
    elif etiv is not None and etiv in selected and not options.analyse_etiv:
        texts.append(
            f"{table.columns[etiv]} is no structure: it keeps its row in the tables, but corrections for multiple "
            "comparisons and figures leave it out (--analyse-etiv counts it)"
        )
    if etiv is not None and etiv in selected and options.etiv == SCALED:
        texts.append(f"{table.columns[etiv]} itself is analysed as it is, not scaled")
    others = [table.columns[index] for index in selected if table.columns[index] in GLOBAL_MEASURES]
    if others:
        texts.append(
            f"{listed(others)}: measures of the whole head are analysed and corrected for as structures; "
            "--exclude-columns leaves them out"
        )
    if not selected:
        raise TableError(f"{table_name}: no column is left to analyse")
    return tuple(table.columns[index] for index in selected), selected, etiv, [Notice("note", text) for text in texts]


def _one_etiv(table: GroupTable, options: StudyOptions, table_name: str) -> int | None:
    """Position of eTIV; of two columns the one that is not left out."""
    try:
        return etiv_column(table)
    except TableError as error:
        left = [i for i, name in enumerate(table.columns) if name in ETIV_NAMES and name not in options.exclude_columns]
        if len(left) == 1:
            return left[0]
        raise TableError(f"{table_name}: {error}, --exclude-columns leaves one out") from error


def _what_may_be_etiv(columns: Sequence[str]) -> str:
    """What to do about a table without eTIV."""
    near = [
        name for name in columns if name.lower() in ("etiv", "icv", "tiv", "intracranialvol", ETIV_NAMES[0].lower())
    ]
    rename = f"call column '{near[0]}' eTIV if it is that, " if near else ""
    return f"{rename}make the table with eTIV, or leave eTIV out of the analysis"

"""A table without the differences of sites: learned from its own rows, or by a model that was learned before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError, TableError
from ...notice import Notice
from ..fit.study import GLOBAL_MEASURES
from ..tables.combined import LATERALITY
from ..tables.provenance import check_provenance, read_provenance
from ..text_files import listed
from ..text_table import ETIV_NAMES, GroupTable, holds_volumes, read_group_table
from .combat import apply_combat, fit_combat
from .harmonization_note import HarmonizationNote, format_note, read_note
from .kept_columns import KeptNumber, kept_doubts, kept_matrix, learn_kept, refuse_confounded
from .model_file import SiteModel, read_model
from .site_subjects import SiteRequest, SiteSubjects, read_site_subjects

Array = NDArray[np.float64]
METHOD = "ComBat with parametric empirical Bayes (Johnson 2007, Fortin 2018)"
MIN_PER_SITE = 3
ADVISED_PER_SITE = 20
"""Below it estimates of a site are poor (Orlhac 2022 advises 20 to 30)."""


@dataclass(frozen=True, kw_only=True)
class HarmonizeInputs:
    """What is harmonised, and how."""

    table: str
    request: SiteRequest
    model: str | None = None
    """A model that was learned before; None: learn it from the table."""
    with_etiv: bool = False
    """Harmonise eTIV as a structure; else it stays as it is."""
    allow_mixed: bool = False
    """Take rows that were made with different weights, settings or sources of eTIV."""


@dataclass(frozen=True, eq=False, kw_only=True)
class HarmonizedTable:
    """The result for n subjects."""

    table: GroupTable
    before: GroupTable
    """The same rows and columns, as they were."""
    model: SiteModel
    site_of: NDArray[np.intp]
    """(n,), index of the model's site."""
    kept: Array
    """(n, k), the columns of the kept effects."""
    note: HarmonizationNote
    provenance: bytes
    """Content of the file beside the table."""
    notices: tuple[Notice, ...]


def harmonize(inputs: HarmonizeInputs) -> HarmonizedTable:
    """Take the differences of sites out of a table.

    Parameters
    ----------
    inputs : HarmonizeInputs

    Returns
    -------
    HarmonizedTable

    Raises
    ------
    TableError
        If a file cannot be read, values are missing, the table is combined of sides, or harmonised already.
    DesignError
        If there is one site, a site with fewer than three subjects, a site that the model does not know, or a kept
        effect that is confounded with the sites.
    """
    path = Path(inputs.table)
    raw = read_group_table(path, missing_ok=inputs.request.drop_missing)
    refuse_unfit_table(raw, path)
    trained = read_model(inputs.model) if inputs.model else None
    columns, same = _columns(raw, trained, inputs)
    missing, notices = _missing_rows(raw, columns, inputs)
    people = read_site_subjects(raw, missing.tolist(), inputs.request)
    notices += people.notices
    rows = list(people.rows)
    order = np.argsort(rows)
    people, rows = _in_order(people, order), [rows[i] for i in order]
    before = replace(raw, subjects=tuple(raw.subjects[row] for row in rows), values=raw.values[rows])
    warned, made_with = check_provenance(made := read_provenance(path, before.subjects), allow_mixed=inputs.allow_mixed)
    notices += [Notice("warning", text) for text in warned]
    values = before.values[:, columns]
    if trained is None:
        model, kept, site_of, more = _learn(before, columns, people, inputs, made_with)
    else:
        model, kept, site_of, more = _known(trained, before, people, inputs, made_with)
    notices += more
    changed = before.values.copy()
    changed[:, columns] = apply_combat(model.combat, values, site_of, kept)
    if holds_volumes(raw):
        notices += _below_zero(changed[:, columns], before.subjects, model.structures)
    if same:
        notices.append(Notice("note", f"stays as it is: {listed(same)}"))
    trained_on = f"{inputs.model} (sites {_sizes(model)})" if inputs.model else ""
    note = HarmonizationNote(
        method=METHOD,
        site_column=inputs.request.site_column,
        site_of_row={name: model.sites[site] for name, site in zip(before.subjects, site_of, strict=True)},
        kept=tuple(one.name for one in model.kept),
        kept_numbers=tuple(one.name for one in model.kept if isinstance(one, KeptNumber)),
        left_as_they_were=same,
        trained_on=trained_on,
    )
    return HarmonizedTable(
        table=replace(before, values=changed),
        before=before,
        model=model,
        site_of=site_of,
        kept=kept,
        note=note,
        provenance=format_note(made, note),
        notices=tuple(notices),
    )


def refuse_unfit_table(table: GroupTable, path: Path) -> None:
    """Refuse tables whose values ComBat does not suit: of both sides together, or harmonised already.

    Parameters
    ----------
    table : GroupTable
    path : Path
        It was read from.

    Raises
    ------
    TableError
    """
    combined = [name for name in table.columns if name.startswith(("Bilateral-", "Laterality-"))]
    if table.measure == LATERALITY or combined:
        raise TableError(
            f"{path}: holds both sides of structures together; harmonise the table of single structures, then combine "
            "it with glm --combine"
        )
    note = read_note(path)
    if note is not None:
        raise TableError(f"{path}: is harmonised over '{note.site_column}' already; give the table as it was")


def _columns(table: GroupTable, model: SiteModel | None, inputs: HarmonizeInputs) -> tuple[list[int], tuple[str, ...]]:
    """Positions of the columns to harmonise, in the order of the model, and names of the others."""
    place = {name: index for index, name in enumerate(table.columns)}
    if model is None:
        kinds = {*GLOBAL_MEASURES, *ETIV_NAMES} - (set(ETIV_NAMES) if inputs.with_etiv else set())
        names = [name for name in table.columns if name not in kinds]
    else:
        names = list(model.structures)
        lost = [name for name in names if name not in place]
        if lost:
            raise TableError(f"{inputs.table}: lacks columns of the model {inputs.model}: {listed(lost)}")
        if table.measure != model.measure and (":" in table.measure or ":" in model.measure):
            raise TableError(f"{inputs.table}: holds {table.measure}, the model {inputs.model} {model.measure}")
    return [place[name] for name in names], tuple(name for name in table.columns if name not in names)


def _missing_rows(
    table: GroupTable, columns: Sequence[int], inputs: HarmonizeInputs
) -> tuple[NDArray[np.bool_], list[Notice]]:
    """Rows without a value, or with a volume of 0, which was not measured."""
    values = table.values[:, columns]
    lacking = np.isnan(values) | ((values == 0) & holds_volumes(table))
    cells = [f"{table.columns[columns[k]]} of {table.subjects[row]}" for row, k in np.argwhere(lacking)]
    if not cells:
        return lacking.any(axis=1), []
    text = f"{inputs.table}: {len(cells)} value(s) are missing or 0 (a structure not found): {listed(cells)}"
    if not inputs.request.drop_missing:
        raise TableError(f"{text}; they would move the mean of their site; mend them, or give --missing drop")
    return lacking.any(axis=1), [Notice("warning", f"{text}; these subjects are left out")]


def _in_order(people: SiteSubjects, order: NDArray[np.intp]) -> SiteSubjects:
    """The same subjects in the order of the table."""
    values = people.values
    return replace(
        people,
        rows=tuple(people.rows[i] for i in order),
        sites=tuple(people.sites[i] for i in order),
        values=replace(
            values,
            labels={name: tuple(column[i] for i in order) for name, column in values.labels.items()},
            numbers={name: column[order] for name, column in values.numbers.items()},
        ),
    )


Learned = tuple[SiteModel, Array, NDArray[np.intp], list[Notice]]


def _learn(
    table: GroupTable, columns: list[int], people: SiteSubjects, inputs: HarmonizeInputs, made_with: Sequence[str]
) -> Learned:
    """A model of the rows themselves."""
    name, counts = inputs.request.site_column, Counter(people.sites)
    sites = tuple(sorted(counts))
    if len(sites) < 2:
        raise DesignError(f"'{name}' is {sites[0] if sites else 'empty'} for everybody: with one site nothing differs")
    small = [f"{site} ({counts[site]})" for site in sites if counts[site] < MIN_PER_SITE]
    if small:
        raise DesignError(
            f"'{name}': expected {MIN_PER_SITE} subjects a site or more, found fewer in {listed(small)}; leave these "
            "sites out"
        )
    site_of = np.array([sites.index(site) for site in people.sites])
    kept = learn_kept(people.kept_names, people.values)
    matrix = kept_matrix(kept, people.values, table.subjects)
    refuse_confounded(kept, matrix, site_of, name)
    structures = tuple(table.columns[k] for k in columns)
    values = table.values[:, columns]
    flat = [f"{structures[k]} at {site}" for index, site in enumerate(sites)
            for k in np.flatnonzero(np.ptp(values[site_of == index], axis=0) == 0)]  # fmt: skip
    if flat:
        raise TableError(f"{inputs.table}: the same value for all subjects of a site: {listed(flat)}; leave it out")
    doubts = kept_doubts(kept, matrix, people.values, site_of, sites)
    few = [f"{site} ({counts[site]})" for site in sites if counts[site] < ADVISED_PER_SITE]
    if few:
        doubts.append(
            f"fewer than {ADVISED_PER_SITE} subjects: {listed(few)}; shift and spread of these sites are poorly known"
        )
    if not kept:
        doubts.append("nothing is kept: where sites differ in age, sex or group, those effects are taken out too")
    model = SiteModel(
        combat=fit_combat(values, site_of, matrix),
        measure=table.measure,
        structures=structures,
        site_column=name,
        sites=sites,
        site_sizes=tuple(counts[site] for site in sites),
        kept=kept,
        made_with=tuple(made_with),
    )
    return model, matrix, site_of, [Notice("warning", text) for text in doubts]


def _known(
    model: SiteModel, table: GroupTable, people: SiteSubjects, inputs: HarmonizeInputs, made_with: Sequence[str]
) -> Learned:
    """A model that was learned before, for subjects of its sites."""
    strange = [f"{name} ({site})" for name, site in zip(table.subjects, people.sites, strict=True)
               if site not in model.sites]  # fmt: skip
    if strange:
        raise DesignError(
            f"the model {inputs.model} does not know the site of {listed(strange)}; it knows "
            f"{', '.join(model.sites)}. A new site needs a harmonisation with all sites together"
        )
    wanted, given = {one.name for one in model.kept}, set(people.kept_names)
    if wanted != given:
        raise DesignError(
            f"the model {inputs.model} keeps {', '.join(sorted(wanted)) or 'nothing'}, found "
            f"{', '.join(sorted(given)) or 'nothing'}; give the same columns to --keep"
        )
    if model.made_with and made_with and tuple(made_with) != model.made_with:
        text = f"the model was learned from rows with {'; '.join(model.made_with)}; these have {'; '.join(made_with)}"
        if not inputs.allow_mixed:
            raise TableError(f"{inputs.table}: {text}; segment them in the same way, or give --allow-mixed")
        more = [Notice("warning", text)]
    else:
        more = []
    site_of = np.array([model.sites.index(site) for site in people.sites])
    matrix = kept_matrix(model.kept, people.values, table.subjects)
    for one in model.kept:
        if isinstance(one, KeptNumber):
            column = people.values.numbers[one.name]
            outside = [f"{name} ({value:g})" for name, value in zip(table.subjects, column, strict=True)
                       if not one.low <= value <= one.high]  # fmt: skip
            if outside:
                text = f"'{one.name}' beyond {one.low:g} to {one.high:g}, which the model has seen: {listed(outside)}"
                more.append(Notice("warning", text))
    return model, matrix, site_of, more


def _below_zero(values: Array, subjects: Sequence[str], structures: Sequence[str]) -> list[Notice]:
    cells = [f"{structures[k]} of {subjects[row]} ({values[row, k]:.4g})" for row, k in np.argwhere(values <= 0)]
    text = f"volumes are 0 or less after the harmonisation: {listed(cells)}; look at these subjects and their sites"
    return [Notice("warning", text)] if cells else []


def _sizes(model: SiteModel) -> str:
    return ", ".join(f"{site} {size}" for site, size in zip(model.sites, model.site_sizes, strict=True))

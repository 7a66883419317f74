import json
from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.errors import DesignError, SclimbicError, TableError
from fs_sclimbic.group.harmonize.harmonize_table import HarmonizeInputs, harmonize
from fs_sclimbic.group.harmonize.model_file import format_model
from fs_sclimbic.group.harmonize.site_subjects import SiteRequest
from fs_sclimbic.group.tables.provenance import Provenance, format_provenance
from tests.group.harmonize.sites import (
    AGES,
    EXPECTED,
    SEXES,
    SITES,
    SIZES,
    STRUCTURES,
    SUBJECTS,
    VOLUMES,
    people_text,
    table_text,
)


def inputs(folder, keep=("sex", "age"), **more):
    request = SiteRequest(participants=str(folder / "p.tsv"), site_column="site", keep=keep)
    request = replace(request, **{name: more.pop(name) for name in list(more) if name in ("drop_missing", "fsgd")})
    return HarmonizeInputs(table=str(folder / "t.dat"), request=request, **more)


def told(result, severity="warning"):
    return [notice.text for notice in result.notices if notice.severity == severity]


def test_a_table(study):
    done = harmonize(inputs(study))
    assert done.table.subjects == tuple(SUBJECTS)
    assert done.table.columns == (*STRUCTURES, "eTIV")
    np.testing.assert_allclose(done.table.values[:, :5], EXPECTED, rtol=1e-4)
    assert done.table.values[:, 5].tolist() == SIZES.tolist()
    assert np.array_equal(done.before.values[:, :5], VOLUMES)
    assert done.model.site_sizes == (6, 9, 7)
    assert done.note.site_of_row == dict(zip(SUBJECTS, SITES, strict=True))
    assert (done.note.kept, done.note.kept_numbers, done.note.left_as_they_were) == (
        ("sex", "age"),
        ("age",),
        ("eTIV",),
    )
    assert json.loads(done.provenance)["harmonized"]["site_column"] == "site"
    assert told(done, "note") == ["stays as it is: eTIV"]
    assert told(done)[-1].startswith("fewer than 20 subjects: A (6), B (9), C (7)")


def test_rows_go_by_names(study):
    order = [*range(21, 11, -1), *range(12)]
    (study / "t.dat").write_text(table_text(VOLUMES[order], [SUBJECTS[i] for i in order], sizes=SIZES[order]))
    done = harmonize(inputs(study))
    assert done.table.subjects == tuple(SUBJECTS[i] for i in order)
    np.testing.assert_allclose(done.table.values[:, :5], EXPECTED[order], rtol=1e-4)


def test_etiv_on_request_and_as_kept_column(study):
    done = harmonize(inputs(study, with_etiv=True))
    assert done.model.structures == (*STRUCTURES, "eTIV")
    assert not np.allclose(done.table.values[:, 5], SIZES)
    kept = harmonize(inputs(study, keep=("sex", "eTIV")))
    assert [one.name for one in kept.model.kept] == ["sex", "eTIV"]
    assert np.array_equal(kept.kept[:, 1], SIZES)


def test_nothing_kept_is_told(study):
    assert any(text.startswith("nothing is kept") for text in told(harmonize(inputs(study, keep=()))))


def test_a_model_for_new_subjects(study):
    first = harmonize(inputs(study))
    (study / "m.json").write_text(format_model(first.model))
    again = harmonize(inputs(study, model=str(study / "m.json")))
    np.testing.assert_allclose(again.table.values, first.table.values, rtol=1e-12)
    assert again.note.trained_on == f"{study / 'm.json'} (sites A 6, B 9, C 7)"
    # Of one site, one new subject, with another order of columns.
    text = table_text(VOLUMES[:1, ::-1], ["sub-01"], STRUCTURES[::-1])
    (study / "t.dat").write_text(text)
    one = harmonize(inputs(study, model=str(study / "m.json")))
    np.testing.assert_allclose(one.table.values[0, :5][::-1], first.table.values[0, :5], rtol=1e-12)
    (study / "p.tsv").write_text(people_text(ages=[*(AGES[:1] + 60), *AGES[1:]]))
    assert told(harmonize(inputs(study, model=str(study / "m.json"))))[0].startswith("'age' beyond ")


def test_what_a_model_does_not_know(study):
    (study / "m.json").write_text(format_model(harmonize(inputs(study)).model))
    model = str(study / "m.json")
    with pytest.raises(DesignError, match="keeps age, sex, found sex; give the same columns to --keep"):
        harmonize(inputs(study, keep=("sex",), model=model))
    (study / "p.tsv").write_text(people_text(sites=["Q", *SITES[1:]]))
    with pytest.raises(DesignError, match=r"does not know the site of sub-01 \(Q\); it knows A, B, C"):
        harmonize(inputs(study, model=model))
    (study / "p.tsv").write_text(people_text())
    (study / "t.dat").write_text(table_text(VOLUMES[:, :4], structures=STRUCTURES[:4]))
    with pytest.raises(TableError, match=r"lacks columns of the model .*: Left-Hypothalamus-noMB"):
        harmonize(inputs(study, model=model))
    (study / "t.dat").write_text(table_text(measure="Measure:nvoxels"))
    with pytest.raises(TableError, match=r"holds Measure:nvoxels, the model .* Measure:volume"):
        harmonize(inputs(study, model=model))


def test_a_model_of_other_weights(study):
    def write_provenance(weights):
        rows = [(name, Provenance(weights, (), "image")) for name in SUBJECTS]
        (study / "t.dat.provenance.json").write_bytes(format_provenance(rows))

    write_provenance("one 1234")
    (study / "m.json").write_text(format_model(harmonize(inputs(study)).model))
    write_provenance("two 5678")
    with pytest.raises(TableError, match="learned from rows with weights: one 1234"):
        harmonize(inputs(study, model=str(study / "m.json")))
    allowed = harmonize(inputs(study, model=str(study / "m.json"), allow_mixed=True))
    assert any("learned from rows with weights: one 1234" in text for text in told(allowed))


@pytest.mark.parametrize(
    ("people", "words"),
    [
        ({"sites": ["A"] * 22}, "'site' is A for everybody"),
        ({"sites": ["Z", "Z", *SITES[2:]]}, r"expected 3 subjects a site or more, found fewer in Z \(2\)"),
        ({"sexes": ["F" if site == "A" else "M" for site in SITES]}, "'sex' is confounded with 'site'"),
        ({"sexes": ["n/a", *SEXES[1:]]}, "subject 'sub-01' has no value of sex"),
        ({"sites": ["n/a", *SITES[1:]]}, "subject 'sub-01' has no value of site"),
    ],
    ids=["one site", "small site", "confounded", "no sex", "no site"],
)
def test_people_that_are_refused(study, people, words):
    (study / "p.tsv").write_text(people_text(**people))
    with pytest.raises(DesignError, match=words):
        harmonize(inputs(study))


def test_numbers_as_sites(study):
    (study / "p.tsv").write_text(people_text(sites=[{"A": "1", "B": "2", "C": "10"}[site] for site in SITES]))
    done = harmonize(inputs(study))
    assert sorted(done.model.sites) == ["1", "10", "2"]
    np.testing.assert_allclose(done.table.values[:, :5], EXPECTED, rtol=1e-4)


def spoiled(row, column, value):
    values = VOLUMES.copy()
    values[row, column] = value
    return values


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (table_text(spoiled(3, 1, 0)), r"missing or 0 .*: Right-Fornix of sub-04; they would move"),
        (table_text().replace("457.3", "n/a"), "found 'n/a', a missing value"),
        (table_text(measure="Measure:laterality"), "holds both sides of structures together"),
        (table_text(structures=["Bilateral-Fornix", *STRUCTURES[1:]]), "holds both sides of structures together"),
        (table_text(VOLUMES[:, :2], structures=STRUCTURES[:2]), "expected 3 structures or more, found 2"),
        (table_text(np.where(np.array(SITES)[:, None] == "A", 5.0, VOLUMES)), "the same value for all subjects"),
        (table_text(subjects=["sub-01_ses-1", "sub-01_ses-2", *SUBJECTS[2:]]), "choose one with --session"),
    ],
    ids=["zero", "missing", "laterality", "bilateral", "two structures", "constant", "sessions"],
)
def test_tables_that_are_refused(study, text, words):
    (study / "t.dat").write_text(text)
    with pytest.raises(SclimbicError, match=words):
        harmonize(inputs(study))


def test_missing_values_can_be_left_out(study):
    (study / "t.dat").write_text(table_text(spoiled(3, 1, 0)).replace("457.3", "n/a"))
    (study / "p.tsv").write_text(people_text(sexes=[*SEXES[:9], "n/a", *SEXES[10:]]))
    done = harmonize(inputs(study, drop_missing=True))
    gone = {"sub-01", "sub-04", "sub-10"}
    assert done.table.subjects == tuple(name for name in SUBJECTS if name not in gone)
    assert "Left-Fornix of sub-01, Right-Fornix of sub-04; these subjects are left out" in told(done)[0]


def test_harmonised_twice(study):
    (study / "t.dat.provenance.json").write_bytes(harmonize(inputs(study)).provenance)
    with pytest.raises(TableError, match="is harmonised over 'site' already"):
        harmonize(inputs(study))


def test_volumes_below_zero_are_named(study):
    values = VOLUMES.copy()
    values[0, 2] = 0.5
    (study / "t.dat").write_text(table_text(values))
    done = harmonize(inputs(study))
    low = done.table.values[0, 2]
    assert (low <= 0) == any("volumes are 0 or less" in text for text in told(done))


def test_classes_and_variables_of_an_fsgd(study):
    rows = "".join(f"Input {name} {sex} {age:g}\n" for name, sex, age in zip(SUBJECTS, SEXES, AGES, strict=True))
    (study / "g.fsgd").write_text(f"GroupDescriptorFile 1\nClass F\nClass M\nVariables age\n{rows}")
    done = harmonize(inputs(study, keep=(), fsgd=str(study / "g.fsgd")))
    assert done.note.kept == ("class", "age")
    np.testing.assert_allclose(done.table.values[:, :5], EXPECTED, rtol=1e-4)

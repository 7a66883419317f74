"""--exclude-from: ratings leave cases and structures out of tables and fits, and it is said."""

import csv

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from fs_sclimbic.cases.stats_files import format_stats
from fs_sclimbic.cli.table import main as table
from fs_sclimbic.group.text_table import GroupTable, format_group_table
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.qc.ratings import Rating, write_ratings
from fs_sclimbic.segmentation.measure import SegStats, StructureStats
from tests.groups import SUBJECTS, fsgd_text, make_table, write_study

CONTRAST = ["--contrast", "group = Control-Patient"]
RATINGS = (
    Rating(case="sub-03", rating="fail"),
    Rating(case="sub-05", structure="B", rating="fail"),
    Rating(case="sub-06", rating="unsure"),
    Rating(case="sub-99", rating="fail"),
    Rating(case="sub-01", rating="pass"),
)


@pytest.fixture
def ratings(tmp_path):
    write_ratings(tmp_path / "ratings.tsv", RATINGS)
    return tmp_path / "ratings.tsv"


def rows_of(path):
    with open(path, newline="") as file:
        return {row["structure"]: row for row in csv.DictReader(file, delimiter="\t")}


def without(*names):
    full = make_table()
    kept = [row for row, name in enumerate(full.subjects) if name not in names]
    return GroupTable(full.measure, tuple(full.subjects[row] for row in kept), full.columns, full.values[kept])


def fit_without(tmp_path, run_glm, *names, more=()):
    """The results of a study that never had some subjects."""
    folder = tmp_path / "-".join(("reduced", *names))
    folder.mkdir()
    (folder / "t.dat").write_text(format_group_table(without(*names)))
    (folder / "g.fsgd").write_text(fsgd_text(subjects=[name for name in SUBJECTS if name not in names]))
    run_glm("--table", folder / "t.dat", "--fsgd", folder / "g.fsgd", *CONTRAST, "--glmdir", folder / "out", *more)
    return rows_of(folder / "out/group/results.tsv")


def test_a_fit_is_that_of_a_study_without_the_excluded(tmp_path, run_glm, ratings):
    flags = [*write_study(tmp_path), *CONTRAST, "--exclude-from", ratings]
    ran = run_glm(*flags, "--glmdir", tmp_path / "all")
    assert "left out, as " in ran.out
    assert "sub-99" in ran.out
    assert "left out of the fit of all structures because of single ones: sub-05" in ran.out
    found, expected = rows_of(tmp_path / "all/group/results.tsv"), fit_without(tmp_path, run_glm, "sub-03", "sub-05")
    for name, row in expected.items():
        assert float(found[name]["p"]) == pytest.approx(float(row["p"]), rel=1e-9)
        assert found[name]["dof2"] == row["dof2"]
    for file in ("mri_glmfit.log", "report.html"):
        text = (tmp_path / "all" / file).read_text()
        assert "sub-03" in text
        assert "rates fail" in text


def test_each_structure_is_also_fitted_with_all_who_are_good_there(tmp_path, run_glm, ratings):
    flags = [*write_study(tmp_path), *CONTRAST, "--exclude-from", ratings, "--no-report"]
    ran = run_glm(*flags, "--glmdir", tmp_path / "all")
    assert "results_each.tsv of each contrast" in ran.out
    found = rows_of(tmp_path / "all/group/results_each.tsv")
    assert list(found) == ["Left-A", "Right-A", "B"]
    for name, lost in (("Left-A", ("sub-03",)), ("B", ("sub-03", "sub-05"))):
        expected = fit_without(tmp_path, run_glm, *lost)[name]
        assert found[name]["n"] == str(12 - len(lost))
        for column in ("gamma", "se", "t", "dof2", "p", "cohen_d", "percent"):
            assert float(found[name][column]) == pytest.approx(float(expected[column]), rel=1e-8), column
    p = [float(row["p"]) for row in found.values()]
    expected = multipletests(p, method="holm")[1], multipletests(p, method="fdr_bh")[1]
    for column, values in zip(("p_holm", "p_fdr"), expected, strict=True):
        assert [float(row[column]) for row in found.values()] == pytest.approx(list(values), rel=1e-8)
    # An earlier fit with this file is replaced.
    run_glm(*flags, "--glmdir", tmp_path / "all", "--columns", "Left-A")
    assert not (tmp_path / "all/group/results_each.tsv").exists()


def test_one_structure_alone_keeps_who_is_good_there(tmp_path, run_glm, ratings):
    flags = [*write_study(tmp_path), *CONTRAST, "--exclude-from", ratings, "--columns", "Left-A"]
    run_glm(*flags, "--glmdir", tmp_path / "a", "--no-report")
    expected = fit_without(tmp_path, run_glm, "sub-03", more=["--columns", "Left-A"])
    found = rows_of(tmp_path / "a/group/results.tsv")
    assert float(found["Left-A"]["p"]) == pytest.approx(float(expected["Left-A"]["p"]), rel=1e-9)


def test_other_ratings_exclude_where_they_are_named(tmp_path, run_glm, ratings, refused):
    flags = [*write_study(tmp_path), *CONTRAST, "--exclude-from", ratings, "--no-report", "--glmdir", tmp_path / "o"]
    assert "sub-06" in run_glm(*flags, "--exclude-ratings", "fail,unsure").out
    refused([*flags, "--exclude-ratings", "pass"], "expected some of fail, artefact, unsure", status=2)
    refused(
        [*write_study(tmp_path), *CONTRAST, "--exclude-ratings", "fail", "--glmdir", tmp_path / "p"],
        "--exclude-ratings goes with --exclude-from",
        status=2,
    )


def test_the_table_of_the_excluding_command_is_taken(tmp_path, run_glm, ratings, refused):
    folder = tmp_path / "subjects"
    full = make_table()
    for name, row in zip(full.subjects, full.values, strict=True):
        rows = [
            StructureStats(Structure(i, s, (0, 0, 0, 0)), 9, float(v), 0.9, 0)
            for i, (s, v) in enumerate(zip(full.columns[:3], row[:3], strict=True), 1)
        ]
        (folder / name / "stats").mkdir(parents=True)
        (folder / name / "stats/sclimbic.stats").write_text(format_stats(SegStats(tuple(rows), 1.0, float(row[3]))))
    made = tmp_path / "made.dat"
    assert table(["--all", "--sd", str(folder), "--exclude-from", str(ratings), "--tablefile", str(made)]) == 0
    text = made.read_text()
    assert "sub-03" not in text
    assert text.count("n/a") == 1
    assert "n/a" in next(line for line in text.splitlines() if line.startswith("sub-05"))
    (tmp_path / "g.fsgd").write_text(fsgd_text())
    flags = ["--table", made, "--fsgd", tmp_path / "g.fsgd", *CONTRAST, "--glmdir", tmp_path / "o", "--no-report"]
    refused(flags, "'n/a', a missing value")
    run_glm(*flags, "--exclude-from", ratings)
    expected = fit_without(tmp_path, run_glm, "sub-03", "sub-05")
    found = rows_of(tmp_path / "o/group/results.tsv")
    for name in ("Left-A", "B"):
        assert np.isclose(float(found[name]["gamma"]), float(expected[name]["gamma"]), rtol=1e-3)
        assert found[name]["dof2"] == expected[name]["dof2"]


def test_a_sum_with_a_failed_side_has_failed(tmp_path, run_glm):
    write_ratings(tmp_path / "side.tsv", [Rating(case="sub-05", structure="Right-A", rating="fail")])
    flags = [*write_study(tmp_path), *CONTRAST, "--exclude-from", tmp_path / "side.tsv", "--no-report"]
    run_glm(*flags, "--combine", "bilateral", "--columns", "Bilateral-A", "--glmdir", tmp_path / "o")
    expected = fit_without(tmp_path, run_glm, "sub-05", more=["--combine", "bilateral", "--columns", "Bilateral-A"])
    found = rows_of(tmp_path / "o/group/results.tsv")
    assert float(found["Bilateral-A"]["p"]) == pytest.approx(float(expected["Bilateral-A"]["p"]), rel=1e-9)

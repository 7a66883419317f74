"""The command: the original's tables, every pitfall of the original, and the whole way against statsmodels."""

import csv
import dataclasses
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.cli.glm import main
from fs_sclimbic.group.tables.provenance import Provenance, format_provenance, provenance_file
from fs_sclimbic.group.text_table import GroupTable, format_group_table
from fs_sclimbic.image.volume import read_volume
from tests.conftest import ROOT
from tests.groups import AGES, CLASS_OF, STRUCTURES, SUBJECTS, fsgd_text, make_table, write_study

GROUP = ["--contrast", "group = Control-Patient"]
PLAIN = [*GROUP, "--no-report"]


def results(path):
    with open(path, newline="") as file:
        return {row["structure"]: row for row in csv.DictReader(file, delimiter="\t")}


def number(row, name):
    return float(row[name])


CASES = {
    "dods-etiv": (
        "sclimbic.dat",
        "dods",
        ["dods-group", "dods-age", "dods-groupxage", "dods-slopes.F", "dods-anygroup"],
    ),
    "doss-etiv": ("sclimbic.dat", "doss", ["doss-group", "doss-age", "doss-any"]),
    "csv-dods-etiv": ("sclimbic_volumes_all.csv", "dods", ["dods-group"]),
}


def numbers(text):
    head, *rows = [line.split() for line in text.splitlines()]
    return head, [row[0] for row in rows], np.array([row[1:] for row in rows], float)


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES)
def test_expected_tables(shared, tmp_path, case, run_glm):
    folder, (table, method, names) = shared / "reference/group", CASES[case]
    out, expected = tmp_path / "out", folder / "expected" / case
    argv = ["--table", folder / table, "--fsgd", folder / "group.fsgd", method, "--glmdir", out, "--no-report"]
    argv += ["--scale-by-etiv", "--analyse-etiv"]
    for name in names:
        argv += ["--C", folder / "contrasts" / f"{name}.mtx"]
    ran = run_glm(*argv)
    for name in ["Xg.dat", "dof.dat", *(f"{name}/C.dat" for name in names)]:
        assert (out / name).read_bytes() == (expected / name).read_bytes()
    for ours, theirs in (
        ("sig.table.dat", "sig.table.7.3.2.dat"),
        ("gamma.table.dat", "gamma.table.dat"),
        ("input.table.dat", "input.table.dat"),
    ):
        found, reference = numbers((out / ours).read_text()), numbers((expected / theirs).read_text())
        assert found[:2] == reference[:2]
        # One unit of the last digit. The expected tables are in float32 steps: of eTIV, a million and more, they hold
        # seven digits, and lose some on the way to gamma.
        of_etiv = np.abs(reference[2]) > 1e3
        unit = np.where(of_etiv, np.abs(reference[2]) * (1e-4 if ours == "gamma.table.dat" else 1e-7), 0.0011)
        assert (np.abs(found[2] - reference[2]) <= unit).all()
    assert (out / "sig.table.dat").read_text() in ran.out
    argv += ["--unsigned-sig"]
    run_glm(*argv)
    unsigned, dev = numbers((out / "sig.table.dat").read_text()), numbers((expected / "sig.table.dev.dat").read_text())
    assert np.abs(unsigned[2] - dev[2]).max() <= 0.0011


@pytest.mark.parity
def test_bad_contrast_files_of_the_original(shared, tmp_path, run_glm, refused):
    folder = shared / "reference/group"
    argv = ["--table", folder / "sclimbic.dat", "--fsgd", folder / "group.fsgd", "--no-report", "--glmdir"]
    for name in ("badscale", "comma", "ragged", "alpha", "zeros", "comment", "dep", "empty"):
        refused([*argv, tmp_path / name, "--C", folder / "contrast_cases" / f"{name}.mtx"], f"{name}.mtx")
        assert not (tmp_path / name).exists()
    for name in ("trail", "nonl"):  # a blank line at the end stops the original
        run_glm(*argv, tmp_path / name, "--C", folder / "contrast_cases" / f"{name}.mtx")


# ---- The whole way, against statsmodels


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["raw", "scale", "covariate"]),
)
def test_equals_statsmodels(tmp_path_factory, seed, dods, weighted, missing, etiv):
    folder, rng = tmp_path_factory.mktemp("random"), np.random.default_rng(seed)
    n = int(rng.integers(30, 60))
    data = pd.DataFrame({
        "id": [f"s{i}" for i in range(n)],
        "group": np.array(["A", "B", "C"])[np.concatenate([np.arange(15) % 3, rng.integers(0, 3, n - 15)])],
        "age": rng.uniform(20, 80, n).round(2),
        "bmi": rng.normal(26, 4, n).round(2),
        "w": rng.uniform(0.5, 2, n).round(3),
        "size": rng.normal(1.5e6, 1e5, n).round(1),
    })  # fmt: skip
    data["v"] = (rng.normal(400, 30, n) - 0.5 * data.age + 20 * (data.group == "B") + data["size"] * 1e-4).round(4)
    lines = ["GroupDescriptorFile 1", "Class C", "Class A", "Class B", "Variables age bmi"]
    lines += [f"Input {r.id} {r.group} {r.age} {r.bmi}" for r in data.itertuples()]
    (folder / "g.fsgd").write_text("\n".join(lines) + "\n")
    (folder / "w.txt").write_text("".join(f"{w}\n" for w in data.w))
    lost = set(rng.permutation(data.id)[:3]) if missing else set()
    there = data[~data.id.isin(lost)]
    shuffled = there.iloc[rng.permutation(len(there))]
    values = shuffled[["size", "v"]].to_numpy()
    table = GroupTable("Measure:volume", tuple(shuffled.id), ("eTIV", "v"), values)
    (folder / "t.csv").write_text(format_group_table(table, "comma"))
    slope = "slope = A:age - C:age" if dods else "slope = age"
    argv = [
        "--table",
        "t.csv",
        "--fsgd",
        "g.fsgd",
        "dods" if dods else "doss",
        "--glmdir",
        "out",
        "--contrast",
        "ab = A-B",
    ]
    argv = [str(folder / word) if word in ("t.csv", "g.fsgd", "out") else word for word in argv]
    argv += ["--contrast", slope, "--contrast", "any = A-B ; A-C", "--no-report", "--illcond"]
    argv += {"raw": [], "scale": ["--scale-by-etiv"], "covariate": ["--etiv-covariate"]}[etiv]
    argv += ["--wg", str(folder / "w.txt")] if weighted else []
    argv += ["--allow-missing"] if missing else []
    assert main(argv) == 0
    # statsmodels, in its own words: a formula on the data frame. It sees no file of ours.
    there = there.assign(
        y=there.v / there["size"] * 1e5 if etiv == "scale" else there.v, ctiv=there["size"] - there["size"].mean()
    )
    terms = "C(group):age + C(group):bmi" if dods else "age + bmi"
    formula = f"y ~ 0 + C(group) + {terms}" + (" + ctiv" if etiv == "covariate" else "")
    model = smf.wls(formula, there, weights=there.w**2) if weighted else smf.ols(formula, there)
    fitted = model.fit()
    group, age = [f"C(group)[{c}]" for c in "ABC"], [f"C(group)[{c}]:age" for c in "ABC"]
    for name, question in (
        ("ab", f"{group[0]} - {group[1]} = 0"),
        ("slope", f"{age[0]} - {age[2]} = 0" if dods else "age = 0"),
    ):
        theirs, ours = fitted.t_test(question), results(folder / "out" / name / "results.tsv")["v"]
        for column, value in (
            ("gamma", theirs.effect[0]), ("se", theirs.sd[0, 0]), ("t", theirs.tvalue[0, 0]), ("p", theirs.pvalue),
            ("ci95_low", theirs.conf_int()[0, 0]), ("ci95_high", theirs.conf_int()[0, 1]), ("dof2", theirs.df_denom),
        ):  # fmt: skip
            # Two ways through designs of a condition number up to 1e6, and ten digits in the text.
            assert number(ours, column) == pytest.approx(float(value), rel=1e-8, abs=1e-9 * abs(theirs.sd[0, 0]))
    theirs = fitted.f_test(f"{group[0]} - {group[1]} = 0, {group[0]} - {group[2]} = 0")
    ours = results(folder / "out/any/results.tsv")["v"]
    assert number(ours, "F") == pytest.approx(float(theirs.fvalue), rel=1e-8)
    assert number(ours, "p") == pytest.approx(float(theirs.pvalue), rel=1e-8)
    assert number(ours, "dof2") == fitted.df_resid


# ---- The pitfalls of the original (section 5 of the spec), by number


def test_pitfall_1_rows_are_matched_by_name(tmp_path, run_glm, refused):
    table = make_table()
    shuffled = GroupTable(table.measure, table.subjects[::-1], table.columns, table.values[::-1])
    run_glm(*write_study(tmp_path), *PLAIN)
    straight = (tmp_path / "out/sig.table.dat").read_bytes()
    ran = run_glm(*write_study(tmp_path, table=shuffled), *PLAIN)
    assert (tmp_path / "out/sig.table.dat").read_bytes() == straight
    assert "matched by name" in ran.out
    other = GroupTable(table.measure, tuple(f"x{i}" for i in range(12)), table.columns, table.values)
    refused([*write_study(tmp_path, table=other), *PLAIN], "no subject of", "g.fsgd", "sub-01", "x0")


def test_pitfall_2_missing_subjects(tmp_path, run_glm, refused):
    table = make_table()
    shorter = GroupTable(table.measure, table.subjects[1:], table.columns, table.values[1:])
    argv = [*write_study(tmp_path, table=shorter), *PLAIN]
    refused(argv, "1 subject(s)", "sub-01", "--allow-missing")
    assert not (tmp_path / "out").exists()
    ran = run_glm(*argv, "--allow-missing")
    assert "left out of the design" in ran.out
    assert (tmp_path / "out/dof.dat").read_text() == "7\n"
    assert "Input sub-01" not in (tmp_path / "out/y.fsgd").read_text()
    assert "left out of the design" in (tmp_path / "out/mri_glmfit.log").read_text()


def test_pitfall_3_fsgd_is_read_strictly(tmp_path, refused):
    argv = [*write_study(tmp_path), *PLAIN]
    text = fsgd_text().replace("Control 31", "Control 31,5").replace("Patient 44", "Patient ?")
    (tmp_path / "g.fsgd").write_text(text.replace("Input sub-03", "Inptu sub-03"))
    error = refused(argv, "g.fsgd:6", "31,5", "g.fsgd:7", "?", "g.fsgd:8")
    assert "Inptu" in error


def test_pitfall_4_method_and_weights_beside_names(tmp_path, run_glm):
    argv = write_study(tmp_path, "DOSS\n")
    argv.insert(argv.index("--glmdir"), "dods")
    ran = run_glm(*argv, *PLAIN)
    said = ran.out
    assert "method doss (by a tag in the file" in said
    lines = [line.split() for line in said.splitlines()]
    assert ["Control", "1"] in lines
    assert ["Patient", "-1"] in lines
    assert ["Age", "0"] in lines
    assert (tmp_path / "out/group/C.dat").read_text() == "+1.00000 -1.00000 +0.00000 \n"
    (tmp_path / "g.fsgd").write_text(fsgd_text("DOSS\n").replace("Variables Age", "Variables Sex"))
    ran = run_glm(*argv, *GROUP)
    page = (tmp_path / "out/report.html").read_text()
    for warning in ("the tag DOSS is used, not &#x27;dods&#x27;", "variable &#x27;Sex&#x27; is fitted as a number"):
        assert warning in page
    assert "warning: " in ran.err
    ran = run_glm(*write_study(tmp_path), *PLAIN)
    assert "method dods (by default)" in ran.out


def test_pitfall_5_blank_lines(tmp_path, run_glm):
    argv = write_study(tmp_path)
    for name in ("t.dat", "g.fsgd"):
        (tmp_path / name).write_text((tmp_path / name).read_text() + "\n\n")
    (tmp_path / "c.mtx").write_text("1 -1 0 0\n\n")
    run_glm(*argv, "--C", str(tmp_path / "c.mtx"), "--no-report")
    assert (tmp_path / "out/c/C.dat").read_text() == "+1.00000 -1.00000 +0.00000 +0.00000 \n"


def test_pitfall_6_contrasts_of_the_wrong_shape(tmp_path, refused):
    argv = [*write_study(tmp_path), "--no-report", "--C", tmp_path / "c.mtx"]
    (tmp_path / "c.mtx").write_text("1,-1,0,0\n")
    refused(argv, "c.mtx:1", "blanks", "1,-1,0,0")
    (tmp_path / "c.mtx").write_text("1 -1 0\n")
    refused(argv, "3 weights", "Control, Patient, Control:Age, Patient:Age", "doss")


@pytest.mark.parametrize("place", [0, 2, 3])
def test_pitfall_7_etiv_wherever_it_stands(tmp_path, place, run_glm, refused):
    table = make_table("EstimatedTotalIntraCranialVol")
    order = [0, 1, 2]
    order.insert(place, 3)
    moved = GroupTable(table.measure, table.subjects, tuple(table.columns[i] for i in order), table.values[:, order])
    ran = run_glm(*write_study(tmp_path, table=moved), *PLAIN, "--scale-by-etiv")
    head, _, values = numbers((tmp_path / "out/input.table.dat").read_text())
    assert tuple(head[1:]) == STRUCTURES
    np.testing.assert_allclose(values, table.values[:, :3] / table.values[:, [3]] * 1e5, atol=6e-4)
    assert "not analysed as a structure" in ran.out
    table.values[3, 3] = 0
    refused([*write_study(tmp_path, table=table), *PLAIN, "--scale-by-etiv"], "eTIV must be above 0", "sub-04 (0)")


@pytest.mark.parametrize(
    ("name", "delimiter"), [("t.csv", "comma"), ("t.tsv", "tab"), ("t", "tab"), ("t.dat", "space")]
)
def test_pitfall_8_tables_of_every_kind(tmp_path, name, delimiter, run_glm):
    run_glm(*write_study(tmp_path), *PLAIN)
    expected = [(tmp_path / "out" / f).read_bytes() for f in ("sig.table.dat", "gamma.table.dat", "input.table.dat")]
    run_glm(*write_study(tmp_path, delimiter=delimiter, name=name), *PLAIN)
    found = [(tmp_path / "out" / f).read_bytes() for f in ("sig.table.dat", "gamma.table.dat", "input.table.dat")]
    assert found == expected


def test_pitfall_9_signs_rows_and_corrections(tmp_path, run_glm):
    run_glm(*write_study(tmp_path), *PLAIN, "--contrast", "F = Control-Patient ; Control:Age-Patient:Age")
    out = tmp_path / "out"
    rows = results(out / "group/results.tsv")
    signs = {name: np.sign(number(row, "sig")) for name, row in rows.items()}
    assert signs == {name: np.sign(number(row, "gamma")) for name, row in rows.items()}
    assert -1 in signs.values()
    assert 1 in signs.values()
    assert all(number(rows[s], "p_holm") >= number(rows[s], "p") for s in STRUCTURES)
    with open(out / "F/results_rows.tsv", newline="") as file:
        by_row = list(csv.DictReader(file, delimiter="\t"))
    assert [row["row"] for row in by_row] == ["1"] * 4 + ["2"] * 4
    assert read_volume(out / "F/gamma.mgh", frames=True).data.shape == (4, 1, 1, 2)


def test_pitfall_10_zeros_and_nan(tmp_path, run_glm, refused):
    table = make_table()
    table.values[2, 1] = 0
    ran = run_glm(*write_study(tmp_path, table=table), *PLAIN)
    assert "warning: 1 value(s) of 0 enter the fit as real zeros" in ran.err
    argv = [*write_study(tmp_path), *PLAIN]
    text = (tmp_path / "t.dat").read_text().splitlines()
    text[4] = text[4].replace(text[4].split("\t")[2], "nan")
    (tmp_path / "t.dat").write_text("\n".join(text) + "\n")
    refused(argv, "t.dat:5", "sub-04", "Right-A", "nan")


def test_pitfall_11_ill_conditioned_designs_name_the_reason(tmp_path, run_glm, refused):
    argv = [*write_study(tmp_path), *PLAIN]
    constant = [
        line[: line.rindex(" ")] + " 50" if line.startswith("Input") else line for line in fsgd_text().splitlines()
    ]
    (tmp_path / "g.fsgd").write_text("\n".join(constant) + "\n")
    refused(argv, "ill-conditioned", "Age", "50 for every subject")
    # The same in other units: months beside years.
    both = [
        f"{line} {12 * float(line.split()[-1]):g}" if line.startswith("Input") else line
        for line in fsgd_text().splitlines()
    ]
    (tmp_path / "g.fsgd").write_text("\n".join(both).replace("Variables Age", "Variables Age Months") + "\n")
    refused(argv, "ill-conditioned", "12*Control:Age")
    # Where groups are compared is said: at Age 0, or at the mean.
    ran = run_glm(*write_study(tmp_path), *PLAIN)
    assert "group: compares classes at Age = 0" in ran.out
    ran = run_glm(*write_study(tmp_path, "DeMeanFlag 1\n"), *PLAIN)
    assert "compares classes at" not in ran.out


def test_pitfall_12_stale_and_equal_contrasts(tmp_path, run_glm, refused):
    argv = write_study(tmp_path)
    run_glm(*argv, *PLAIN, "--contrast", "old = Control")
    ran = run_glm(*argv, *PLAIN)
    assert "replaced the earlier fit" in (said := ran.out)
    assert "group, old" in said
    assert not (tmp_path / "out/old").exists()
    refused([*argv, *PLAIN, *GROUP], "two contrasts are named 'group' and 'group'")
    (tmp_path / "out/mine.txt").write_text("notes")
    refused([*argv, *PLAIN], "found mine.txt", "new --glmdir")
    assert (tmp_path / "out/mine.txt").exists()


def test_pitfall_13_errors_name_file_and_line(tmp_path, refused):
    argv = [*write_study(tmp_path), *PLAIN]
    (tmp_path / "g.fsgd").write_text(fsgd_text().replace("Input sub-05 Control", "Input sub-05 Contrl"))
    refused(argv, "g.fsgd:10", "Contrl")


def test_pitfall_14_no_license_and_no_subjects_dir(tmp_path, monkeypatch, run_glm):
    for name in ("SUBJECTS_DIR", "FREESURFER_HOME", "FS_LICENSE"):
        monkeypatch.delenv(name, raising=False)
    run_glm(*write_study(tmp_path), *PLAIN)


# ---- The rest of the command line


def test_a_fit_leaves_these_files(tmp_path, run_glm):
    ran = run_glm(*write_study(tmp_path), *GROUP, "--yhat-save", "--save-eres", "--save-cond", "--nii.gz")
    out = tmp_path / "out"
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert found == {
        "mri_glmfit.log", "Xg.dat", "X.mat", "dof.dat", "y.fsgd", "report.html", "sig.table.dat", "gamma.table.dat",
        "input.table.dat", *(f"{n}.nii.gz" for n in ("beta", "rvar", "rstd", "yhat", "eres", "cond")),
        *(f"group/{n}.nii.gz" for n in ("gamma", "gammavar", "cnr", "F", "sig", "z")),
        *(f"group/{n}.dat" for n in ("C", "efficiency", "maxvox")), "group/results.tsv", "group/influence.tsv",
        "group/forest.png", "group/structures.png", "group/forest.pdf", "group/structures.pdf", "notices.tsv",
        "analysis.py", "analysis.R", "analysis_values.csv", "analysis_design.csv", "methods.md",
        "group/effects.tsv", "adjusted_means.tsv",
    }  # fmt: skip
    assert (out / "report.html").read_text().count("data:image/png;base64,") == 2
    assert f"wrote {out}" in ran.out


def test_figures_for_one_column(tmp_path, run_glm):
    figures = ("--figure-columns", "1", "--figure-formats", "svg")
    run_glm(*write_study(tmp_path), *GROUP, *figures)
    assert {path.name for path in (tmp_path / "out/group").glob("forest.*")} == {"forest.png", "forest.svg"}
    png = (tmp_path / "out/group/forest.png").read_bytes()
    assert int.from_bytes(png[16:20], "big") == 1039  # 88 mm at 300 dpi
    run_glm(*write_study(tmp_path), *GROUP)  # and such a folder is replaced
    assert {path.name for path in (tmp_path / "out/group").glob("forest.*")} == {"forest.png", "forest.pdf"}


def test_without_matplotlib_the_numbers_are_written(tmp_path, monkeypatch, run_glm):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    ran = run_glm(*write_study(tmp_path), *GROUP)
    assert 'no figures: figures need matplotlib: python -m pip install "fs_sclimbic[group]"' in ran.out
    assert (tmp_path / "out/group/results.tsv").exists()
    assert "data:image" not in (tmp_path / "out/report.html").read_text()
    assert not list((tmp_path / "out").rglob("*.png"))


def test_contrasts_of_the_fsgd(tmp_path, run_glm, refused):
    argv = [*write_study(tmp_path, "Contrast a 1 -1 0 0\nContrast b 0 0 1 -1\nFContrast ab a b\n"), "--no-report"]
    run_glm(*argv)
    head, _, _ = numbers((tmp_path / "out/sig.table.dat").read_text())
    assert head == ["Measure:volume", "a", "b", "ab"]
    assert "FContrast ab a b" in (tmp_path / "out/y.fsgd").read_text()
    refused([*argv, *GROUP], "cannot have contrasts in FSGD and on the command-line", status=2)


def test_gamma0(tmp_path, run_glm):
    (tmp_path / "c.mtx").write_text("0 0 1 0\n")
    (tmp_path / "null.dat").write_text("-0.25\n")
    argv = [*write_study(tmp_path), "--no-report", "--C", str(tmp_path / "c.mtx")]
    gammas = []
    for extra in ([], [str(tmp_path / "null.dat")]):
        run_glm(*argv, *extra)
        gammas.append(number(results(tmp_path / "out/c/results.tsv")["B"], "gamma"))
    assert gammas[1] - gammas[0] == pytest.approx(0.25)


def test_contrast_file_with_and_without_the_column_of_etiv(tmp_path, run_glm):
    argv = [*write_study(tmp_path), "--no-report", "--etiv-covariate", "--C", str(tmp_path / "c.mtx")]
    for text in ("1 -1 0 0\n", "1 -1 0 0 0\n"):
        (tmp_path / "c.mtx").write_text(text)
        run_glm(*argv)
        assert (tmp_path / "out/c/C.dat").read_text() == "+1.00000 -1.00000 +0.00000 +0.00000 +0.00000 \n"


def test_one_sample_mean(tmp_path, run_glm):
    argv = write_study(tmp_path)
    run_glm(*argv[:2], *argv[4:], "--osgm", "--no-report", "--permutations", "100")
    row = results(tmp_path / "out/osgm/results.tsv")["B"]
    values = make_table().values[:, 2]
    assert number(row, "gamma") == pytest.approx(values.mean())
    assert number(row, "t") == pytest.approx(values.mean() / values.std(ddof=1) * np.sqrt(12))
    assert number(row, "p_perm") == pytest.approx(1 / 101)
    assert not (tmp_path / "out/y.fsgd").exists()
    run_glm(*argv, "--osgm", "--no-report")  # with an FSGD: its subjects
    assert (tmp_path / "out/y.fsgd").exists()
    assert (tmp_path / "out/Xg.dat").read_text() == "+1.00000 \n" * 12


def test_design_matrix_goes_by_order(tmp_path, run_glm, refused):
    argv = write_study(tmp_path)
    (tmp_path / "x.txt").write_text("".join(f"{1 - c} {c} {a:g}\n" for c, a in zip(CLASS_OF, AGES, strict=True)))
    with_fsgd = [*argv[:4], "doss", *argv[4:], *PLAIN]
    run_glm(*with_fsgd)
    expected = (tmp_path / "out/sig.table.dat").read_bytes()
    with_x = [*argv[:2], "--X", str(tmp_path / "x.txt"), *argv[4:], "--contrast", "group = X1-X2"]
    ran = run_glm(*with_x)
    assert (tmp_path / "out/sig.table.dat").read_bytes() == expected
    assert "rows of the table go by their order" in ran.out
    # Matlab's file of the first fit does as well.
    run_glm(*with_fsgd)
    (tmp_path / "x.mat").write_bytes((tmp_path / "out/X.mat").read_bytes())
    assert (
        main([*argv[:2], "--X", str(tmp_path / "x.mat"), *argv[4:], "--contrast", "group = X1-X2", "--no-report"]) == 0
    )
    assert (tmp_path / "out/sig.table.dat").read_bytes() == expected
    (tmp_path / "x.txt").write_text("1 0\n0 1\n1 0\n")
    refused(with_x, "12 subjects", "3 rows")


def test_excluded_rows(tmp_path, run_glm):
    (tmp_path / "f.txt").write_text("5\n")
    argv = [*write_study(tmp_path), *PLAIN, "--exclude-frame", "0", "--exclude-frame", "7", "--exclude-frame-file"]
    ran = run_glm(*argv, str(tmp_path / "f.txt"))
    assert "0 (sub-01), 5 (sub-06), 7 (sub-08)" in ran.out
    _, rows, _ = numbers((tmp_path / "out/input.table.dat").read_text())
    assert rows == [s for s in SUBJECTS if s not in ("sub-01", "sub-06", "sub-08")]
    assert (tmp_path / "out/dof.dat").read_text() == "5\n"


def test_weights_follow_the_rows_of_the_design(tmp_path, run_glm):
    weights = np.linspace(1, 2, 12).round(3)
    (tmp_path / "w.txt").write_text("".join(f"{w}\n" for w in weights))
    argv = [*write_study(tmp_path), *PLAIN, "--wg", str(tmp_path / "w.txt")]
    run_glm(*argv, "--exclude-frame", "3")
    expected = (tmp_path / "out/sig.table.dat").read_bytes()
    shorter = GroupTable("Measure:volume", *[(t[:3] + t[4:])[::-1] for t in (SUBJECTS,)], make_table().columns,
                         np.delete(make_table().values, 3, 0)[::-1])  # fmt: skip
    argv = [*write_study(tmp_path, table=shorter), *PLAIN, "--wg", str(tmp_path / "w.txt"), "--allow-missing"]
    run_glm(*argv)
    assert (tmp_path / "out/sig.table.dat").read_bytes() == expected


def test_logarithm(tmp_path, run_glm):
    run_glm(*write_study(tmp_path), *PLAIN, "--logy", "--exclude-columns", "eTIV")
    _, _, values = numbers((tmp_path / "out/input.table.dat").read_text())
    np.testing.assert_allclose(values, make_table().values[:, :3], atol=6e-4)
    frame = pd.DataFrame({"y": np.log(make_table().values[:, 0]), "g": CLASS_OF, "a": AGES})
    fitted = smf.ols("y ~ 0 + C(g) + C(g):a", frame).fit()
    row = results(tmp_path / "out/group/results.tsv")["Left-A"]
    assert number(row, "p") == pytest.approx(float(fitted.t_test("C(g)[0] - C(g)[1] = 0").pvalue), rel=1e-8)
    assert "LogY 1" in (tmp_path / "out/y.fsgd").read_text()


def test_permutations_are_seeded(tmp_path, run_glm):
    argv = [*write_study(tmp_path), *PLAIN, "--permutations", "200"]
    texts = []
    for seed in ("3", "3", "4"):
        run_glm(*argv, "--seed", seed)
        texts.append((tmp_path / "out/group/results.tsv").read_text())
    assert texts[0] == texts[1] != texts[2]
    p = number(results(tmp_path / "out/group/results.tsv")["B"], "p_perm")
    assert p * 201 == pytest.approx(round(p * 201))


def test_design_only(tmp_path, run_glm):
    argv = write_study(tmp_path)
    run_glm(*argv[2:4], "--xonly", str(tmp_path / "x.dat"))
    assert (tmp_path / "x.dat").read_text().splitlines()[0] == "+1.00000 +0.00000 +31.00000 +0.00000 "
    assert not (tmp_path / "out").exists()
    run_glm(*argv, *GROUP, "--checkopts")
    assert not (tmp_path / "out").exists()


def test_no_contrast(tmp_path, run_glm, refused):
    argv = write_study(tmp_path)
    refused(argv, "no contrasts specified", "Control, Patient, Control:Age, Patient:Age", status=2)
    run_glm(*argv, "--no-contrasts-ok")
    assert (tmp_path / "out/beta.mgh").exists()
    assert (tmp_path / "out/sig.table.dat").read_text().splitlines()[0].split() == ["Measure:volume"]


def test_a_signal_while_writing_leaves_the_earlier_fit(tmp_path, monkeypatch, run_glm):
    argv = [*write_study(tmp_path), *PLAIN]
    run_glm(*argv)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    calls = []

    def flush(_file):
        calls.append(1)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(os, "fsync", flush)
    run_glm(*argv, "--scale-by-etiv", status=130)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_missing_files(tmp_path, refused):
    argv = write_study(tmp_path)
    refused(["--table", tmp_path / "none", *argv[2:], *PLAIN], "none: file does not exist")
    refused([*argv[:2], "--fsgd", tmp_path / "none", *argv[4:], *PLAIN], "none", "FSGD")
    refused([*argv, "--C", tmp_path / "none.mtx"], "none.mtx")


def test_ill_conditioned_but_wanted(tmp_path, run_glm, refused):
    lines = [line.replace("Variables Age", "Variables Age Twice") for line in fsgd_text().splitlines()]
    rng = np.random.default_rng(0)
    lines = [
        f"{line} {2 * float(line.split()[-1]) + rng.normal(0, 0.1):.3f}" if "Input" in line else line for line in lines
    ]
    argv = [*write_study(tmp_path), *PLAIN]
    (tmp_path / "g.fsgd").write_text("\n".join(lines) + "\n")
    refused(argv, "--illcond fits it all the same", "nearly")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_glm(*argv, "--illcond")


def test_zero_degrees_of_freedom(tmp_path, run_glm, refused):
    four = GroupTable("m", SUBJECTS[:4], make_table().columns, make_table().values[:4])
    argv = [*write_study(tmp_path, table=four), *GROUP]
    (tmp_path / "g.fsgd").write_text(fsgd_text(subjects=SUBJECTS[:4]))
    error = refused(argv, "4 subjects and 4 columns")
    assert "0 degrees of freedom" in error
    run_glm(*argv, "--allow-zero-dof", "--permutations", "10")
    assert results(tmp_path / "out/group/results.tsv")["B"]["p"] == "n/a"


def test_names_with_signs(tmp_path, run_glm):
    argv = write_study(tmp_path)
    text = fsgd_text().replace("Control", "no-drug").replace("Patient", "Drug:x")
    (tmp_path / "g.fsgd").write_text(text)
    run_glm(*argv, "--no-report", "--contrast", "d = Drug:x - no-drug")
    assert (tmp_path / "out/d/C.dat").read_text() == "-1.00000 +1.00000 +0.00000 +0.00000 \n"


@pytest.mark.parametrize("demean", [False, True])
def test_where_groups_are_compared_stands_beside_the_numbers(tmp_path, demean, run_glm):
    write_study(tmp_path)
    text = fsgd_text()
    (tmp_path / "g.fsgd").write_text(text.rstrip("\n") + ("\nDeMeanFlag 1\n" if demean else "\n"))
    folder = tmp_path / "out"
    command = ["--table", str(tmp_path / "t.dat"), "--fsgd", str(tmp_path / "g.fsgd"), "dods", "--glmdir", str(folder)]
    ran = run_glm(*command, "--contrast", "Patient-Control", "--no-report")
    notes = {row["note"] for row in results(folder / "Patient-Control/results.tsv").values()}
    assert ("at Age = 0, not at the mean" in notes) is not demean
    printed = ran.out
    assert f"variables: Age, {'demeaned over all subjects' if demean else 'not demeaned'}" in printed
    assert "sig: -log10(p)" in printed


def test_dates_as_a_covariate_change_no_slope(tmp_path, run_glm):
    """The same study with ages, and with dates in seconds (about 1.7e9): slopes and their errors are the same."""
    lines = fsgd_text().splitlines()
    far = [
        f"{line.rsplit(' ', 1)[0]} {float(line.rsplit(' ', 1)[1]) + 1.7e9:.1f}" if line.startswith("Input") else line
        for line in lines
    ]
    found = []
    for text in (lines, far):
        argv = write_study(tmp_path)
        (tmp_path / "g.fsgd").write_text("\n".join(text) + "\n")
        run_glm(
            *argv, "--illcond", "--no-report", "--contrast", "s = Patient:Age - Control:Age", "--permutations", "50"
        )
        found.append((tmp_path / "out/s/results.tsv").read_text())
    assert found[0] == found[1]


def test_a_table_whose_etiv_is_an_identitys(tmp_path, refused, run_glm):
    table = make_table()
    table.values[4, 3] = 1948106.0
    argv = [*write_study(tmp_path, table=table), *PLAIN]
    refused([*argv, "--scale-by-etiv"], "eTIV is 1948106 for sub-05", "talairach_avi")
    assert "warning: eTIV is 1948106 for sub-05" in run_glm(*argv).err


def test_names_do_not_steer_the_terminal(tmp_path, run_glm):
    columns = ("Left-\x1b[31mA", *STRUCTURES[1:], "eTIV")
    table = GroupTable("Measure:volume", SUBJECTS, columns, make_table().values)
    argv = write_study(tmp_path, table=table)
    (tmp_path / "g.fsgd").write_text(fsgd_text().replace("Patient", "Pat\x1b[2Jient"))
    ran = run_glm(*argv, "--contrast", "g = Pat\x1b[2Jient - Control")
    assert not [sign for sign in ran.out + ran.err if not sign.isprintable() and sign != "\n"]
    assert "Left-\\x1b[31mA" in ran.out


def test_a_reader_who_goes_away_early_is_no_error(tmp_path):
    words = " ".join([sys.executable, "-m", "fs_sclimbic", "glm", *write_study(tmp_path), "--no-report", "--osgm"])
    done = subprocess.run(f"{words} | head -n 1", shell=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert done.stderr.startswith("warning: osgm: the weights")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "out/osgm/results.tsv").exists()


# ---- What is valid but wrong is said before a p value is printed


@pytest.fixture
def renamed(tmp_path):
    """The study with other names of subjects; returns its flags."""

    def write(names):
        names = tuple(names)
        argv = write_study(tmp_path, table=dataclasses.replace(make_table(), subjects=names))
        text = fsgd_text()
        for old, new in zip(SUBJECTS, names, strict=True):
            text = text.replace(f"Input {old} ", f"Input {new} ")
        (tmp_path / "g.fsgd").write_text(text)
        return argv

    return write


def test_sessions_of_one_person_are_refused_by_name(renamed, tmp_path, refused, run_glm):
    argv = [*renamed(f"sub-{i // 2:02d}_ses-{1 + i % 2}" for i in range(12)), *PLAIN]
    error = refused(
        argv, "6 person(s) stand in 12 rows", "sub-00 (sub-00_ses-1, sub-00_ses-2)", "mean or the difference"
    )
    assert "--allow-repeated-subjects" in error
    assert not (tmp_path / "out").exists()
    for flag in ("--allow-repeated-subjects", "--allowsubjrep"):
        assert "warning: 6 person(s) stand in 12 rows" in run_glm(*argv, flag).err


def test_a_paired_design_with_a_column_a_person_is_fitted(tmp_path, run_glm):
    names = [f"sub-{i // 2}_ses-{1 + i % 2}" for i in range(12)]
    (tmp_path / "t.dat").write_text(format_group_table(dataclasses.replace(make_table(), subjects=tuple(names))))
    lines = ["GroupDescriptorFile 1", *(f"Class p{i}" for i in range(6)), "Variables second"]
    lines += [f"Input {name} p{i // 2} {i % 2}" for i, name in enumerate(names)]
    (tmp_path / "g.fsgd").write_text("\n".join(lines) + "\n")
    run_glm(
        "--table", tmp_path / "t.dat", "--fsgd", tmp_path / "g.fsgd", "doss", "--contrast", "second", "--no-report",
        "--glmdir", tmp_path / "out",
    )  # fmt: skip
    values = make_table().values
    differences = values[1::2] - values[::2]
    t = differences.mean(0) / (differences.std(0, ddof=1) / np.sqrt(6))
    found = results(tmp_path / "out/second/results.tsv")
    assert [number(found[name], "t") for name in STRUCTURES] == pytest.approx(t[:3], rel=1e-9)


def test_one_sample_of_differences_is_no_doubt(tmp_path, run_glm):
    table = make_table()
    values = table.values - table.values.mean(axis=0) + 3
    (tmp_path / "t.dat").write_text(format_group_table(dataclasses.replace(table, values=values)))
    ran = run_glm(
        "--table", tmp_path / "t.dat", "--osgm", "--glmdir", tmp_path / "out", "--no-report", "--columns", "B"
    )
    assert "tests whether a mean" not in ran.err


def test_doubts_stand_on_terminal_page_log_and_results(tmp_path, run_glm):
    argv = write_study(tmp_path, "DeMeanFlag 1\n")
    table = make_table()
    table.values[4, 0] *= 10
    (tmp_path / "t.dat").write_text(format_group_table(table))
    ages = dict(zip(SUBJECTS, [25, 76, 28, 78, 30, 79, 31, 80, 33, 82, 34, 84], strict=True))
    lines = [
        " ".join([*line.split()[:3], str(ages[line.split()[1]])]) if line.startswith("Input") else line
        for line in (tmp_path / "g.fsgd").read_text().splitlines()
    ]
    (tmp_path / "g.fsgd").write_text("\n".join(lines) + "\n")
    ran = run_glm(*argv, "--contrast", "Patient-Control", "--contrast", "2*Patient-Control", "--permutations", "20")
    page, log = (tmp_path / "out/report.html").read_text(), (tmp_path / "out/mri_glmfit.log").read_text()
    said = (tmp_path / "out/notices.tsv").read_text()
    for words in (
        "Left-A of sub-05 (",
        "compares classes at Age = 55, where Control (25 to 34), Patient (76 to 84) has nobody",
        "the weights of the classes add up to 1, not 0",
    ):
        assert words in ran.err
        assert all(words in text for text in (page, log, said))
    notes = {row["note"] for row in results(tmp_path / "out/Patient-Control/results.tsv").values()}
    assert any("compares classes where one has nobody" in note for note in notes)
    notes = {row["note"] for row in results(tmp_path / "out/2_Patient-Control/results.tsv").values()}
    assert any("tests whether a mean is 0" in note for note in notes)
    printed = ran.out
    assert printed.index("20 random permutations, seed 1 (Freedman-Lane)") < printed.index("sig: -log10(p)")
    assert "<summary>Single subjects" in page


def test_permutations_are_told_without_a_report(tmp_path, run_glm):
    ran = run_glm(*write_study(tmp_path), *PLAIN, "--permutations", "9", "--seed", "4")
    words = "group: 9 random permutations, seed 4 (Freedman-Lane)"
    assert words in ran.out
    assert words in (tmp_path / "out/mri_glmfit.log").read_text()
    small = ["--table", tmp_path / "t.dat", "--osgm", "--glmdir", tmp_path / "out", "--no-report"]
    assert "osgm: all 4096 sign flips" in run_glm(*small, "--permutations", "5000").out


def test_robust(tmp_path, run_glm, refused):
    argv = [*write_study(tmp_path), *PLAIN]
    ran = run_glm(*argv, "--robust")
    assert "robust (HC3, --robust)" in ran.out
    data, design = make_table().values[:, 2], np.loadtxt(tmp_path / "out/Xg.dat")
    ages = np.array(AGES)
    of = np.array(CLASS_OF)
    exact = np.column_stack([of == 0, of == 1, (of == 0) * ages, (of == 1) * ages]).astype(float)
    np.testing.assert_allclose(design, exact)
    theirs = sm.OLS(data, exact).fit(cov_type="HC3", use_t=True).t_test([1, -1, 0, 0])
    row = results(tmp_path / "out/group/results.tsv")["B"]
    assert number(row, "p") == pytest.approx(float(theirs.pvalue), rel=1e-9)
    assert number(row, "se") == pytest.approx(float(theirs.sd[0, 0]), rel=1e-9)
    refused([*argv, "--robust", "--permutations", "9"], "give one of them", status=2)


def test_units_and_ages_are_refused(tmp_path, refused):
    table = make_table()
    table.values[3, 3] /= 1000
    argv = [*write_study(tmp_path, table=table), *PLAIN]
    refused([*argv, "--scale-by-etiv"], "eTIV is in another unit", "sub-04")
    (tmp_path / "g.fsgd").write_text(fsgd_text().replace("Patient 44", "Patient 443"))
    refused(argv, "no age in years", "sub-02 (443)")


def provenance_of(subjects, weights="a.h5 01234567", etiv="transform"):
    return [(name, Provenance(weights, ("IntensityRange minimum to the maximum",), etiv)) for name in subjects]


def test_rows_made_in_different_ways_are_refused_before_the_fit(tmp_path, run_glm, refused):
    argv = [*write_study(tmp_path), *PLAIN]
    beside = provenance_file(Path(argv[argv.index("--table") + 1]))
    beside.write_bytes(format_provenance(provenance_of(SUBJECTS)))
    assert "rows made with weights: a.h5 01234567" in run_glm(*argv).out
    mixed = [*provenance_of(SUBJECTS[:-1]), *provenance_of(SUBJECTS[-1:], "b.h5 ff", "image")]
    beside.write_bytes(format_provenance(mixed))
    message = refused(argv, f"weights of {SUBJECTS[-1]}: b.h5 ff; of 11 others: a.h5 01234567", "--allow-mixed")
    assert "source of eTIV" not in message, "raw volumes are fitted"
    refused([*argv, "--etiv-covariate"], f"source of eTIV of {SUBJECTS[-1]}: image")
    assert "mixed rows: weights" in run_glm(*argv, "--allow-mixed").err
    assert run_glm(*argv, "--exclude-frame", "11").out, "the other one is not fitted"


def test_the_report_says_how_the_rows_were_made(tmp_path, run_glm):
    argv = [*write_study(tmp_path), *GROUP]
    provenance_file(Path(argv[argv.index("--table") + 1])).write_bytes(format_provenance(provenance_of(SUBJECTS)))
    run_glm(*argv)
    page = (Path(argv[argv.index("--glmdir") + 1]) / "report.html").read_text()
    for words in ("weights: a.h5 01234567", "settings: IntensityRange"):
        assert f"rows made with {words}" in page


def test_both_sides_together(tmp_path, run_glm, refused):
    values = make_table().values
    run_glm(*write_study(tmp_path), *PLAIN, "--combine", "laterality")
    head, _, found = numbers((tmp_path / "out/input.table.dat").read_text())
    assert head == ["Measure:laterality", "Laterality-A", "eTIV"]
    expected = 2 * (values[:, 0] - values[:, 1]) / (values[:, 0] + values[:, 1])
    np.testing.assert_allclose(found[:, 0], expected, atol=6e-4)
    row = results(tmp_path / "out/group/results.tsv")["Laterality-A"]
    fitted = sm.OLS(expected, np.loadtxt(tmp_path / "out/Xg.dat")).fit().t_test([1, -1, 0, 0])
    assert number(row, "p") == pytest.approx(float(fitted.pvalue), rel=1e-6)
    refused([*write_study(tmp_path), *PLAIN, "--combine", "laterality", "--scale-by-etiv"], "no unit", status=2)
    (tmp_path / "groups.txt").write_text("All = Left-A + Right-A + B\n")
    run_glm(*write_study(tmp_path), *PLAIN, "--groups", tmp_path / "groups.txt", "--scale-by-etiv")
    _, _, found = numbers((tmp_path / "out/input.table.dat").read_text())
    np.testing.assert_allclose(found[:, 0], values[:, :3].sum(axis=1) / values[:, 3] * 1e5, atol=6e-4)


@pytest.fixture
def with_people(tmp_path):
    """The study with a table of participants; returns the data, one row a subject, and the flags of the table."""
    write_study(tmp_path)
    frame = pd.DataFrame({
        "participant_id": SUBJECTS,
        "group": np.array(["Control", "Patient"])[list(CLASS_OF)],
        "sex": list("FFMMFMFMMFMF"),
        "iq": [101, 95, 110, 120, 88, 99, 105, 93, 117, 102, 98, 108],
        "age": AGES,
    })  # fmt: skip
    frame.to_csv(tmp_path / "p.tsv", sep="\t", index=False)
    values = pd.DataFrame(make_table().values, columns=["Left_A", "Right_A", "B", "eTIV"])
    flags = ["--table", tmp_path / "t.dat", "--glmdir", tmp_path / "out", "--participants", tmp_path / "p.tsv"]
    return pd.concat([frame, values], axis=1), flags


def agrees(row, theirs):
    for column, value in (
        ("gamma", theirs.effect[0]), ("se", theirs.sd[0, 0]), ("t", theirs.tvalue[0, 0]), ("p", theirs.pvalue),
        ("ci95_low", theirs.conf_int()[0, 0]), ("dof2", theirs.df_denom),
    ):  # fmt: skip
        assert number(row, column) == pytest.approx(float(value), rel=1e-8)


def test_a_formula_is_statsmodels(tmp_path, with_people, run_glm):
    data, flags = with_people
    contrasts = ["--contrast", "g = Patient-Control", "--contrast", "sex = M-F", "--contrast", "age"]
    ran = run_glm(*flags, "--formula", "group + sex + age + eTIV", *contrasts)
    fitted = smf.ols("B ~ 0 + group + sex + age + eTIV", data).fit()
    out = tmp_path / "out"
    for name, question in (("g", "group[Patient] - group[Control] = 0"), ("sex", "sex[T.M] = 0"), ("age", "age = 0")):
        agrees(results(out / name / "results.tsv")["B"], fitted.t_test(question))
    assert number(results(out / "g/results.tsv")["B"], "cohen_d") == pytest.approx(
        (fitted.params["group[Patient]"] - fitted.params["group[Control]"]) / np.sqrt(fitted.mse_resid), rel=1e-8
    )
    design = np.loadtxt(out / "Xg.dat")
    assert design.shape == (12, 5)
    assert (out / "g/structures.png").exists()
    assert "formula 'group + sex + age + eTIV'" in ran.out
    assert "eTIV is used to adjust for" in ran.out
    assert "formula" in (out / "report.html").read_text()


def test_covariates_beside_an_fsgd_are_statsmodels(tmp_path, with_people, run_glm, refused):
    data, flags = with_people
    argv = [*flags, "--fsgd", tmp_path / "g.fsgd", "doss", "--covariates", "sex", "iq"]
    (tmp_path / "c.mtx").write_text("-1 1 0\n")  # as wide as the FSGD's design
    run_glm(*argv, "--contrast", "g = Patient-Control", "--C", tmp_path / "c.mtx", "--contrast", "sex[M]")
    fitted = smf.ols("B ~ 0 + group + age + sex + iq", data).fit()
    out = tmp_path / "out"
    for name in ("g", "c"):
        agrees(results(out / name / "results.tsv")["B"], fitted.t_test("group[Patient] - group[Control] = 0"))
    agrees(results(out / "sex_M/results.tsv")["B"], fitted.t_test("sex[T.M] = 0"))
    assert (out / "y.fsgd").exists()
    refused([*flags[:4], "--fsgd", tmp_path / "g.fsgd", "--covariates", "sex"], "needs --participants", status=2)
    refused([*flags, "--fsgd", tmp_path / "g.fsgd", "--formula", "group"], "a design of its own", status=2)
    refused([*argv, "weight", "--contrast", "Patient-Control"], "no column 'weight'")


def test_formula_without_formulaic(with_people, monkeypatch, refused):
    monkeypatch.setitem(sys.modules, "formulaic", None)
    refused(
        [*with_people[1], "--formula", "group", "--contrast", "Patient-Control"], "--formula needs formulaic", status=2
    )


def test_the_matrix_of_a_formula_alone(tmp_path, with_people, run_glm, refused):
    argv = ["--participants", tmp_path / "p.tsv", "--xonly", tmp_path / "X.dat", "--formula"]
    assert "columns group[Control], group[Patient], age" in run_glm(*argv, "group + age").out
    assert np.loadtxt(tmp_path / "X.dat").shape == (12, 3)
    refused([*argv, "group + eTIV"], "no eTIV to add", status=2)

import sys

import numpy as np
import pytest

from fs_sclimbic.errors import DesignError, TableError
from fs_sclimbic.group.analysis import analyse, check_design, result_files, write_analysis
from fs_sclimbic.group.analysis_options import FitOptions, OutputOptions
from fs_sclimbic.group.output.glm_tree import LOG, TreeOptions
from fs_sclimbic.group.output.report import REPORT
from fs_sclimbic.group.study_plan import GlmInputs, plan_study
from tests.groups import fsgd_text, make_design, make_table, write_study


@pytest.fixture
def inputs(tmp_path):
    write_study(tmp_path)
    return GlmInputs(
        table=str(tmp_path / "t.dat"),
        fsgd=str(tmp_path / "g.fsgd"),
        contrasts=("g = Patient-Control", "any = Control:Age ; Patient:Age"),
    )


def test_analyse_gives_values_and_writes_nothing(inputs, tmp_path):
    before = set(tmp_path.rglob("*"))
    analysis = analyse(inputs)
    assert set(tmp_path.rglob("*")) == before
    beta = np.linalg.lstsq(make_design().matrix, make_table().values, rcond=None)[0]
    np.testing.assert_allclose(analysis.fit.beta, beta, rtol=1e-6)
    one, several = analysis.results
    np.testing.assert_allclose(one.test.gamma[0], beta[1] - beta[0], rtol=1e-6)
    assert several.test.dof == (2, 8)
    assert analysis.check.condition == pytest.approx(np.linalg.cond(_unit(make_design().matrix)) ** 2)


def _unit(matrix):
    return matrix / np.linalg.norm(matrix, axis=0)


def test_options_of_the_fit(inputs, tmp_path):
    (tmp_path / "w").write_text("2\n" * 12)
    analysis = analyse(inputs, FitOptions(weights=str(tmp_path / "w"), permutations=20, seed=3))
    assert analysis.fit.weights.tolist() == [2] * 12
    assert analysis.results[0].permutation.count == 21
    (tmp_path / "g.fsgd").write_text(fsgd_text().replace("Variables Age", "Variables Age B"))
    with pytest.raises(DesignError, match="B"):
        analyse(inputs)


def test_an_ill_conditioned_design_is_fitted_if_asked(inputs, tmp_path):
    lines = [
        f"{line.rsplit(' ', 1)[0]} {1e5 + float(line.rsplit(' ', 1)[1])}" if line.startswith("Input") else line
        for line in fsgd_text().splitlines()
    ]
    (tmp_path / "g.fsgd").write_text("\n".join(lines) + "\n")
    plan = plan_study(inputs)
    with pytest.raises(DesignError, match="ill-conditioned"):
        check_design(plan, FitOptions())
    assert check_design(plan, FitOptions(ill_conditioned_ok=True)).condition > 1e4


def test_files_of_the_folder(inputs):
    analysis = analyse(inputs)
    made = result_files(analysis, "some/out", OutputOptions(tree=TreeOptions(suffix=".nii"), subjects_dir="/sd"))
    assert made.notices == ()
    assert made.files["sig.table.dat"].decode() == made.sig_table
    assert {LOG, REPORT, "beta.nii", "y.fsgd", "g/results.tsv", "any/results_rows.tsv", "g/forest.png"} <= set(
        made.files
    )
    assert b"SUBJECTS_DIR     /sd" in made.files["y.fsgd"]
    assert b"<title>small study (out)" in made.files[REPORT]
    log = made.files[LOG].decode().splitlines()
    assert "glmdir some/out" in log
    assert set(analysis.check.summary) <= set(log)


def test_without_a_contrast_or_a_report(inputs, tmp_path):
    no_report = result_files(analyse(inputs), "out", OutputOptions(report=False))
    assert not [name for name in no_report.files if name.endswith((".png", ".html"))]
    plain = GlmInputs(table=inputs.table, fsgd=inputs.fsgd, no_contrasts_ok=True)
    made = result_files(analyse(plain), "out")
    assert made.sig_table == ""
    assert REPORT not in made.files


def test_without_matplotlib_a_notice_says_so(inputs, monkeypatch):
    analysis = analyse(inputs)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    made = result_files(analysis, "out")
    assert [notice.text for notice in made.notices] == [
        'no figures: figures need matplotlib: python -m pip install "fs_sclimbic[group]"'
    ]
    assert REPORT in made.files
    assert not [name for name in made.files if name.endswith(".png")]


def test_the_folder_is_written_whole(inputs, tmp_path):
    made = write_analysis(analyse(inputs), tmp_path / "out", OutputOptions(report=False))
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == set(made.files)
    (tmp_path / "out/mine.txt").write_text("")
    with pytest.raises(TableError, match=r"mine\.txt"):
        write_analysis(analyse(inputs), tmp_path / "out")

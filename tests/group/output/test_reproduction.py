"""analysis.py and analysis.R compute what results.tsv says, from the files beside it."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from fs_sclimbic.group.analysis import analyse, result_files
from fs_sclimbic.group.analysis_options import FitOptions, OutputOptions
from fs_sclimbic.group.fit.study import COVARIATE, SCALED, StudyOptions
from fs_sclimbic.group.output.folder_exchange import write_folder
from fs_sclimbic.group.output.reproduction import SCRIPT_FILES, script_files
from fs_sclimbic.group.study_plan import GlmInputs
from tests.groups import SUBJECTS, fsgd_text, write_study

GROUP, ANY = "g = Patient-Control", "any = Patient-Control ; Control:Age - Patient:Age"
ROWS = [f"{subject}\t{'AB'[i % 3 == 0]}\t{i % 4}\n" for i, subject in enumerate(SUBJECTS)]
PEOPLE = "participant_id\tsite\tsmoke\n" + "".join(ROWS)


def designs(folder):
    """Inputs and options of each kind of analysis, by name."""
    flags = write_study(folder)
    table, fsgd = flags[1], flags[3]
    (folder / "doss.fsgd").write_text(fsgd_text("DOSS\nDeMeanFlag 1\n"))
    (folder / "people.tsv").write_text(PEOPLE)
    rng = np.random.default_rng(5)
    (folder / "X.txt").write_text("".join(f"1 {a:.5f} {b:.5f}\n" for a, b in rng.normal(2000, 5, (12, 2))))
    (folder / "c.mtx").write_text("0 1 -1\n")
    (folder / "null.txt").write_text("0.25\n")
    (folder / "w.txt").write_text("".join(f"{w:.3f}\n" for w in rng.uniform(0.5, 2, 12)))
    doss = {"table": table, "fsgd": str(folder / "doss.fsgd"), "contrasts": (GROUP, "Age")}
    return {
        "dods": (GlmInputs(table=table, fsgd=fsgd, contrasts=(GROUP, ANY)), FitOptions()),
        "doss": (GlmInputs(**doss), FitOptions(permutations=20)),
        "scaled": (GlmInputs(**doss, options=StudyOptions(etiv=SCALED, logarithm=True)), FitOptions()),
        "scaled with eTIV": (GlmInputs(**doss, options=StudyOptions(etiv=SCALED, analyse_etiv=True)), FitOptions()),
        "covariate": (GlmInputs(**doss, options=StudyOptions(etiv=COVARIATE, exclude=(2, 7))), FitOptions()),
        "robust": (GlmInputs(table=table, fsgd=fsgd, contrasts=(GROUP, ANY)), FitOptions(robust=True)),
        "weights": (GlmInputs(**doss), FitOptions(weights=str(folder / "w.txt"))),
        "weights, robust": (GlmInputs(**doss), FitOptions(weights=str(folder / "w.txt"), robust=True)),
        "matrix": (
            GlmInputs(
                table=table,
                matrix=str(folder / "X.txt"),
                contrast_files=((str(folder / "c.mtx"), str(folder / "null.txt")),),
            ),
            FitOptions(ill_conditioned_ok=True),
        ),
        "osgm": (GlmInputs(table=table, one_sample=True, options=StudyOptions(columns=("B",))), FitOptions()),
        "added": (
            GlmInputs(**doss, participants=str(folder / "people.tsv"), covariates=("site", "smoke")),
            FitOptions(),
        ),
        "formula": (
            GlmInputs(
                table=table,
                formula="site + smoke + eTIV",
                participants=str(folder / "people.tsv"),
                contrasts=("site = B - A",),
            ),
            FitOptions(),
        ),
        "bilateral": (GlmInputs(**doss, combine="bilateral"), FitOptions()),
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of each kind of analysis, all below one."""
    folder = tmp_path_factory.mktemp("designs")
    for name, (inputs, options) in designs(folder).items():
        made = result_files(analyse(inputs, options), "out", OutputOptions(report=False))
        assert set(SCRIPT_FILES) <= set(made.files)
        write_folder(folder / "moved to" / name, made.files)
    return folder / "moved to"


def run_all(command, script, folder, names=None):
    """Run a script in each folder, in one process after another."""
    for one in sorted(folder.iterdir()) if names is None else [folder / name for name in names]:
        ran = subprocess.run([*command, str(one / script)], capture_output=True, text=True, cwd="/")
        assert ran.returncode == 0, (one.name, ran.stderr)
        largest = float(ran.stderr.split()[-1])
        assert largest < 5e-9, one.name
        assert len(ran.stdout.splitlines()) > 1


def test_python(written):
    run_all([sys.executable], "analysis.py", written)


def test_r(written):
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("no Rscript on this machine")
    run_all([rscript], "analysis.R", written)


def test_other_numbers_are_told(written, tmp_path):
    """The comparison can fail."""
    folder = tmp_path / "doss"
    shutil.copytree(written / "doss", folder)
    results = folder / "g/results.tsv"
    head, first, *rest = results.read_text().splitlines()
    cells = first.split("\t")
    cells[2] = f"{float(cells[2]) * 1.00001:.10g}"
    results.write_text("\n".join([head, "\t".join(cells), *rest]) + "\n")
    for command, script in (([sys.executable], "analysis.py"), (["Rscript"], "analysis.R")):
        if shutil.which(command[0]):
            assert subprocess.run([*command, str(folder / script)], capture_output=True).returncode == 1


def test_a_path_of_windows_and_names_with_signs(tmp_path):
    flags = write_study(tmp_path)
    inputs = GlmInputs(table=flags[1], fsgd=flags[3], contrasts=("a$'\u00f6 = Patient-Control",))
    analysis = analyse(inputs)
    files = result_files(analysis, "out", OutputOptions(report=False)).files
    path = 'C:\\Users\\new "table".dat'
    files |= script_files(analysis.plan.study, analysis.fit, analysis.results, robust=False, table=path)
    write_folder(tmp_path / "out", files)
    run_all([sys.executable], "analysis.py", tmp_path, ["out"])


def test_nothing_without_a_contrast(tmp_path):
    flags = write_study(tmp_path)
    analysis = analyse(GlmInputs(table=flags[1], fsgd=flags[3], no_contrasts_ok=True))
    assert not set(SCRIPT_FILES) & set(result_files(analysis, "out").files)

import re

import pytest

from fs_sclimbic.group.analysis import analyse, result_files
from fs_sclimbic.group.analysis_options import FitOptions, OutputOptions
from fs_sclimbic.group.fit.study import COVARIATE, SCALED, StudyOptions
from fs_sclimbic.group.output.methods import METHODS, REFERENCES, references
from fs_sclimbic.group.study_plan import GlmInputs
from fs_sclimbic.group.tables.provenance import Provenance, format_provenance, provenance_file
from tests.groups import SUBJECTS, fsgd_text, write_study

OURS = Provenance("a.h5 01234567", ("Network fov 160", "Preset study"), "image")


@pytest.fixture
def methods(tmp_path):
    """The text of methods.md of the small study."""

    def write(fit=None, made=None, **options):
        flags = write_study(tmp_path, name="t.csv", delimiter="comma")
        (tmp_path / "g.fsgd").write_text(fsgd_text("DOSS\nDeMeanFlag 1\n"))
        inputs = GlmInputs(
            table=flags[1], fsgd=flags[3], contrasts=("Patient-Control",), options=StudyOptions(**options)
        )
        if made:
            provenance_file(tmp_path / "t.csv").write_bytes(format_provenance([(s, made) for s in SUBJECTS]))
        analysis = analyse(inputs, fit or FitOptions())
        return result_files(analysis, "out", OutputOptions(report=False)).files[METHODS].decode()

    return write


def test_what_was_run(methods):
    text = methods(made=OURS, etiv=SCALED)
    for words in (
        "network weights a.h5 (SHA-256 01234567...; settings as recorded: Preset study)",
        "divided by the estimated total intracranial volume (eTIV, computed from an affine registration",
        "12 subjects entered the analysis (Control: 6, Patient: 6)",
        "by ordinary least squares; its design had the columns Control, Patient, Age (12 rows, 9 residual",
        "The variable Age was centred on the mean of all subjects; one slope was common to all groups (FSGD, DOSS)",
        "Patient-Control (Patient - Control) was tested by a two-sided t-test (9 degrees of freedom)",
        "over 3 measures by Holm's procedure",
    ):
        assert words in text
    assert "Permutation" not in text
    assert "HC3" not in text


def test_other_settings(methods):
    text = methods(FitOptions(permutations=30, seed=4), etiv=COVARIATE, logarithm=True, exclude=(1,))
    for words in (
        "How the table was made is not recorded", "centred on its mean, was a covariate", "[say how it was estimated]",
        "the natural logarithm of each measure", "30 random permutations, seed 4", "1 row(s) were left out",
        "11 subjects", "Age, eTIV (11 rows",
    ):  # fmt: skip
        assert words in text
    assert "not adjusted for head size" in methods()
    assert "HC3; MacKinnon and White, 1985" in methods(FitOptions(robust=True))


def test_where_groups_are_compared_and_head_size_in_the_design(tmp_path):
    flags = write_study(tmp_path)
    (tmp_path / "g.fsgd").write_text(fsgd_text().replace("Variables Age", "Variables ICV"))
    inputs = GlmInputs(table=flags[1], fsgd=flags[3], contrasts=("Patient-Control",))
    text = result_files(analyse(inputs), "out", OutputOptions(report=False)).files[METHODS].decode()
    assert "It compares groups at ICV = 0, not at the mean." in text
    assert "Head size entered the design as Control:ICV and Patient:ICV [say how" in text
    assert "not adjusted" not in text


def test_what_is_cited_is_listed(methods):
    text, _, listed = methods(FitOptions(permutations=30), made=OURS, etiv=SCALED).partition("## References")
    for name in re.findall(r"(\w+)(?: (?:et al\.|and \w+))?, (?:19|20)\d\d", text):
        assert name in listed
    assert "Winkler" in listed
    assert "MacKinnon" not in listed
    assert references("nothing") == []
    assert len(references(" ".join(REFERENCES))) == len(REFERENCES)

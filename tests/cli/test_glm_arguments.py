import pytest

from fs_sclimbic.cli.glm_arguments import IMAGE_ONLY, WITHOUT_EFFECT
from tests.groups import write_study

GROUP = ["--contrast", "group = Control-Patient"]
PLAIN = [*GROUP, "--no-report"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--X", "x"], "cannot specify both X file and fsgd file"),
        (["--osgm", *GROUP], "with --osgm"),
        (["--scale-by-etiv", "--etiv-covariate", *GROUP], "two ways to account for head size"),
        (["--analyse-etiv", "--etiv-covariate", *GROUP], "explain eTIV by itself"),
        (["--permutations", "-1", *GROUP], "positive"),
        (["--bootstrap", "100", *GROUP], "expected 1000 or more"),
        (["--equivalence", "20", "--logy", *GROUP], "with --logy give the bound in percent"),
        (["--equivalence", "five", *GROUP], "expected a number above 0 in the unit of the table"),
        (["--C", "a", "b", "c"], "at most one file of null values"),
        (["--nonsense"], "unrecognized"),
        ([*GROUP, "--columns", "B", "--exclude-columns", "B"], "the same structure"),
    ],
)
def test_usage(tmp_path, change, words, refused):
    refused([*write_study(tmp_path), *change], words, status=2)


def test_usage_without_the_necessary(refused):
    refused(["--fsgd", "g"], "must specify input y file", status=2)
    refused(["--table", "t"], "must specify an input X file or fsgd file or --osgm", status=2)
    refused(["--table", "t", "--fsgd", "g", *GROUP], "must specify GLM output dir", status=2)
    refused(["--table", "t", "--fsgd", "g", "dosd"], "expected dods or doss, found 'dosd'", status=2)
    refused(["--table", "t", "--X", "x", "--osgm"], "both X file and --osgm", status=2)


@pytest.mark.parametrize("flag", IMAGE_ONLY)
def test_options_for_images_are_refused_with_a_reason(flag, refused):
    refused(["--table", "t", flag], flag, "take it out", status=2)


def test_options_without_effect(tmp_path, run_glm):
    run_glm(*write_study(tmp_path), *PLAIN)
    expected = (tmp_path / "out/sig.table.dat").read_bytes()
    run_glm(*write_study(tmp_path), *PLAIN, *WITHOUT_EFFECT)
    assert (tmp_path / "out/sig.table.dat").read_bytes() == expected


def test_flags_in_any_case_as_the_original_takes_them(tmp_path, run_glm):
    argv = write_study(tmp_path)
    (tmp_path / "d.mtx").write_text("1 -1 0 0\n")
    run_glm(*argv, "--C", str(tmp_path / "d.mtx"), "--scale-by-etiv", "--nii.gz", "--no-report")
    expected = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.dat")}
    shouted = ["--TABLE", argv[1], f"--Fsgd={argv[3]}", "--GLMDIR", argv[5], "--c", str(tmp_path / "d.mtx")]
    run_glm(*shouted, "--Scale-By-eTIV", "--NII.gz", "--no-report")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.dat")} == expected


def test_a_contrast_may_begin_with_a_minus(tmp_path, run_glm, refused):
    argv = [*write_study(tmp_path), "--no-report"]
    run_glm(*argv, "--contrast", "-Patient+Control")
    assert (tmp_path / "out/minus-Patient+Control/C.dat").read_text() == "+1.00000 -1.00000 +0.00000 +0.00000 \n"
    refused([*argv, "--contrast", "--logy"], "--contrast: expected one argument", status=2)

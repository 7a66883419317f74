import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.bids.ignore import parse_ignore_rules, read_ignore_rules
from fs_sclimbic.errors import UsageError

T1 = "sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz"


@pytest.mark.parametrize(
    "line",
    [
        "sub-01", "sub-01/", "/sub-01", "ses-1/", "sub-*/ses-1", "**/anat", "*_T1w.nii.gz", "sub-0?/**", "sub-0[1-3]/",
        "/sub-01/ses-1/anat/*", "**/ses-1/**/*.nii.gz", "sub-0[!2]", "\\sub-01",
    ],
)  # fmt: skip
def test_patterns_that_fit(line):
    assert parse_ignore_rules(f"# a remark\n\n{line}\n").ignores(T1)


@pytest.mark.parametrize(
    "line",
    [
        "", "#sub-01", "sub-1", "/anat", "/ses-1/", "sub-01/anat", "*.nii", "ses-1/*_T1w.nii.gz", "sub-0[!1]", "01",
        "sub-01_ses-1_T1w.nii.gz/", "[z-a]", "*_bold.nii.gz",
    ],
)  # fmt: skip
def test_patterns_that_do_not(line):
    assert not parse_ignore_rules(line).ignores(T1)


def test_the_last_pattern_decides():
    rules = parse_ignore_rules("*_T1w.nii.gz\n!sub-01_*\n")
    assert not rules.ignores(T1)
    assert rules.ignores(T1.replace("01", "02"))


def test_a_folder_that_is_ignored_stays_so():
    assert parse_ignore_rules("sub-01/\n!*_T1w.nii.gz\n").ignores(T1)


@given(st.text(alphabet="ab*?[]!-/\\\n#", max_size=30))
def test_no_text_is_an_error(text):
    parse_ignore_rules(text).ignores("a/b/aab")


def test_many_stars_are_quick():
    assert not parse_ignore_rules("**/" * 40 + "x").ignores("/".join("a" * 40))


def test_no_file_ignores_nothing(tmp_path):
    assert not read_ignore_rules(tmp_path).ignores(T1)
    (tmp_path / ".bidsignore").write_text("sub-01/\n")
    assert read_ignore_rules(tmp_path).ignores(T1)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / ".bidsignore").mkdir()
    with pytest.raises(UsageError, match=r"\.bidsignore: cannot be read"):
        read_ignore_rules(tmp_path)

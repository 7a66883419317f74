import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.bids.entities import format_entities, parse_case_name, parse_file_name, same_label


@pytest.mark.parametrize(
    "name",
    [
        "T1w.nii.gz",
        "01_T1w.nii.gz",
        "sub-01.nii.gz",
        "sub-01_sub-02_T1w.nii",
        "ses-1_T1w.nii",
        "sub-_T1w.nii",
        "sub-01_",
    ],
)
def test_what_is_no_name_of_a_file(name):
    assert parse_file_name(name) is None


def test_a_name_of_a_file_keeps_its_order_and_ending():
    name = parse_file_name("sub-A1_ses-pre_rec-norm_run-02_T1w.nii.gz")
    assert list(name.entities.items()) == [("sub", "A1"), ("ses", "pre"), ("rec", "norm"), ("run", "02")]
    assert (name.suffix, name.ending) == ("T1w", ".nii.gz")
    assert name.subset("ses", "acq") == {"ses": "pre"}


@pytest.mark.parametrize(
    "name", ["sub-01_ses-1", "01_ses-1", "sub-01_ses-1_T1w", "sub-01_ses-1_T1w.nii.gz", "01_ses-1_dseg"]
)
def test_ways_to_call_a_session(name):
    assert parse_case_name(name).entities == {"sub": "01", "ses": "1"}


@pytest.mark.parametrize(
    "name", ["control_a", "sub-01.long.base", "sub-01_T1w.long.base", "", "a b", "01_02", "sub-01.txt", "ses-1"]
)
def test_names_that_are_not_of_bids(name):
    assert parse_case_name(name) is None


def test_entities_stand_in_the_order_of_bids():
    entities = {"run": "1", "odd": "x", "ce": "gd", "rec": "n", "acq": "a", "sub": "1", "seg": "limbic"}
    assert format_entities(entities) == "sub-1_acq-a_ce-gd_rec-n_run-1_seg-limbic_odd-x"


def test_only_numbers_may_have_zeros_before_them():
    assert same_label("run", "01", "1")
    assert not same_label("run", "a1", "1")
    assert not same_label("ses", "01", "1")


@given(st.text(alphabet="sub-0a_.1T w", max_size=25))
def test_no_name_is_an_error(name):
    for parts in (parse_case_name(name), parse_file_name(name)):
        assert parts is None or "sub" in parts.entities


@given(st.dictionaries(st.sampled_from(["ses", "acq", "run", "echo"]), st.from_regex(r"[a-z0-9]{1,3}", fullmatch=True)))
def test_names_that_are_written_are_read(entities):
    whole = {"sub": "01", **entities}
    assert parse_case_name(format_entities(whole)).entities == whole
    assert parse_file_name(f"{format_entities(whole)}_T1w.nii.gz").entities == whole

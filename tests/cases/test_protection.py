"""A study keeps the results that it has."""

from dataclasses import replace

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import folder_cases
from fs_sclimbic.cases.protection import (
    WORDS,
    check_study,
    describe_differences,
    etiv_source,
    find_difference,
    read_records,
    spread,
)
from fs_sclimbic.cases.record import Record, format_record
from fs_sclimbic.cases.settings import InputHashes, run_settings, settings_of
from fs_sclimbic.errors import UsageError
from fs_sclimbic.network.store import EARLIER_SHIPPED, PUBLISHED_SHA256, SHIPPED, SHIPPED_SHA256
from fs_sclimbic.segmentation.measure import SegStats
from fs_sclimbic.segmentation.options import Options


@pytest.fixture
def cases(tmp_path):
    (tmp_path / "in").mkdir()
    for name in "abcde":
        (tmp_path / f"in/{name}.mgz").touch()
    return folder_cases(tmp_path / "in", tmp_path / "out", Requests(volumes=True))


def finish(case, run, options=None, transform=None, average_head=None):
    """Leave what a run would leave of a case."""
    settings = settings_of(InputHashes("of this image", transform, average_head), run, options or Options())
    case.outputs.record.parent.mkdir(exist_ok=True)
    record = Record(settings, SegStats((), 1.0), (), {}, (f"Weights {run.spec.name} SHA-256 x (y)",))
    case.outputs.record.write_text(format_record(record))
    case.outputs.segmentation.touch()


def refusal(*args):
    with pytest.raises(UsageError) as caught:
        check_study(*args)
    return str(caught.value)


def test_a_new_study_and_the_same_again(cases, run):
    check_study(cases, run, Options())
    finish(cases[0], run)
    check_study(cases, run, Options())
    assert [case.name for case, _ in read_records(cases)] == ["a"]


def test_other_weights_are_refused_in_one_line(cases, run):
    other = replace(run, spec=replace(run.spec, sha256="other"))
    finish(cases[1], other)
    finish(cases[3], other)
    finish(cases[2], run)
    assert refusal(cases, run, Options()) == (
        "2 of 5 cases were made with other weights (b, d) (tiny.h5; this run: tiny.h5); --redo replaces them, "
        "--output-base NAME keeps both"
    )
    check_study(cases, run, Options(redo=True))


def test_an_earlier_shipped_model_is_named(cases, run):
    """All of them have the same file name."""
    for case, sha256 in zip(cases, EARLIER_SHIPPED, strict=False):
        finish(case, replace(run, spec=replace(run.spec, sha256=sha256)))
    told = refusal(cases, replace(run, spec=replace(run.spec, sha256=SHIPPED_SHA256)), Options())
    names = "tiny.h5, first shipped model, tiny.h5, second shipped model, tiny.h5, third shipped model"
    assert f"({names}; this run: tiny.h5, fourth shipped" in told
    assert told.endswith(
        "; to go on with the first shipped model or the second shipped model or the third shipped model, give its "
        "file to --model (docs/model_card.md says where it is)"
    )


CHANGES = [
    ({"percentile": 99.9}, "another top of the intensity range"),
    ({"low_percentile": 0.1}, "another bottom of the intensity range"),
    ({"size_tolerance_voxels": 0.01}, "another rule for the size of images"),
    ({"voxel_counts": True}, "another way to measure volumes"),
    ({"population": {}}, "another population table"),
    ({"full_fov": True}, "another field of view"),
    ({"average_shifts": 2}, "another number of starts"),
    ({"exclude": frozenset({26, 853})}, "more structures"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_other_settings_are_refused(cases, run, change, words):
    finish(cases[0], run)
    told = refusal(cases, run, Options(**change))
    assert told.startswith(f"1 of 5 cases was made with {words} (a); --redo replaces")


def test_what_a_run_only_adds_is_done(cases, run):
    finish(cases[0], run, Options(exclude=frozenset({26, 853})))
    check_study(cases, run, Options())
    check_study(cases, run, Options(conform=True))


def test_a_result_that_was_removed_protects_nothing(cases, run):
    finish(cases[0], run)
    cases[0].outputs.segmentation.unlink()
    check_study(cases, run, Options(voxel_counts=True))


@pytest.mark.parametrize(
    ("before", "etiv_from_image", "transforms", "refused"),
    [
        ({}, False, True, False),
        ({}, True, False, False),
        ({"transform": "x"}, False, True, False),
        ({"transform": "x"}, True, False, True),
        ({"average_head": "x"}, True, False, False),
        ({"average_head": "x"}, False, True, True),
        ({"average_head": "x"}, False, False, True),
    ],
)
def test_the_source_of_etiv_stays(cases, run, tmp_path, before, etiv_from_image, transforms, refused):
    finish(cases[0], run, **before)
    outputs = replace(cases[0].outputs, xfm=tmp_path / "x.xfm" if etiv_from_image else None)
    case = replace(cases[0], outputs=outputs, transforms=(tmp_path / "t.xfm",) if transforms else ())
    ((_, record),) = read_records([case])
    found = find_difference(case, record, run, Options())
    assert (found is not None) == refused
    if found:
        assert found.words == ("another source of eTIV",)


def test_where_etiv_comes_from():
    assert etiv_source({"transform_sha256": "x"}) == "transform"
    assert etiv_source({"transform_sha256": None, "average_head_sha256": "y"}) == "image"
    assert etiv_source({"transform_sha256": None}) is None


@pytest.mark.parametrize("redo", [False, True])
def test_shipped_weights_never_stand_in_for_the_published_ones(cases, run, redo):
    """A node on which FREESURFER_HOME is not set."""
    finish(cases[0], replace(run, spec=replace(run.spec, sha256=PUBLISHED_SHA256)))
    fallen_back = replace(run, spec=replace(run.spec, origin=SHIPPED))
    assert "set FREESURFER_HOME" in refusal(cases, fallen_back, Options(redo=redo))
    asked_for = replace(fallen_back, model_is_named=True)
    if redo:
        check_study(cases, asked_for, Options(redo=True))
    else:
        assert "other weights" in refusal(cases, asked_for, Options())


def test_one_case_alone_is_told_without_numbers(cases, run):
    ((_, record),) = [(finish(cases[0], run), next(iter(read_records(cases)))[1])]
    found = find_difference(cases[0], record, run, Options(voxel_counts=True, percentile=99.9))
    assert describe_differences([found], 1, "x.h5") == (
        "the case was made with another top of the intensity range and another way to measure volumes"
    )


def test_of_thousands_of_cases_some_are_looked_at(cases):
    assert list(spread(cases, 5)) == list(spread(cases, 200)) == cases
    assert [case.name for case in spread(cases, 2)] == ["a", "c", "e"]
    assert len(spread(cases * 400, 200)) == 200


def test_every_setting_of_a_run_is_protected(run):
    settings = run_settings(run, Options(low_percentile=0.1, size_tolerance_voxels=0.01))
    assert set(settings) == {*WORDS, "exclude"}

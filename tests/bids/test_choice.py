import pytest

from fs_sclimbic.bids.choice import ImageRequest, choose_images
from fs_sclimbic.bids.filters import ImageFilter
from fs_sclimbic.errors import UsageError
from tests.datasets import images_of, t1


def chosen(tmp_path, *files, **request):
    return choose_images(images_of(tmp_path, *files), ImageRequest(**request))


def sources(choice):
    return [image.source for image in choice.images]


def test_runs_acquisitions_and_reconstructions_are_images_of_their_own(tmp_path):
    files = [
        t1("sub-01", *more) for more in (("acq-a",), ("acq-b",), ("ce-gd",), ("rec-norm",), ("run-1",), ("run-2",))
    ]
    choice = chosen(tmp_path, *files)
    assert sorted(sources(choice)) == sorted(files)
    assert not choice.notes
    assert not choice.warnings


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        ("part-phase", "part"),
        ("part-real", "part"),
        ("chunk-1", "piece"),
        ("space-MNI", "template"),
        ("desc-x", "derived"),
    ],
)
def test_what_is_no_whole_t1_is_left_out_and_told(tmp_path, entity, reason):
    choice = chosen(tmp_path, t1("sub-01"), t1("sub-02", entity))
    assert sources(choice) == [t1("sub-01")]
    assert reason in choice.notes[0]
    assert t1("sub-02", entity) in choice.notes[0]
    assert choice.warnings == ("1 of 2 participants have no T1w image that is taken: sub-02",)


def test_the_magnitude_stays(tmp_path):
    assert sources(chosen(tmp_path, t1("sub-01", "part-mag"), t1("sub-01", "part-phase"))) == [t1("sub-01", "part-mag")]


def test_echoes(tmp_path):
    combined = [t1("sub-01"), t1("sub-01", "echo-1"), t1("sub-01", "echo-2")]
    alone = [t1("sub-02", f"echo-{number}") for number in (2, 3, 10)]
    runs = [t1("sub-03", "run-1", "echo-1"), t1("sub-03", "run-2", "echo-1")]
    choice = chosen(tmp_path, *combined, *alone, *runs)
    assert sources(choice) == [combined[0], alone[0], *runs]


def test_a_filter_goes_before_the_rule(tmp_path):
    files = [t1("sub-01", f"echo-{number}") for number in (1, 2)]
    choice = chosen(tmp_path, *files, filter=ImageFilter({"echo": ("2",)}))
    assert sources(choice) == [files[1]]


def test_sessions(tmp_path):
    files = [t1("sub-01", "ses-1"), t1("sub-01", "ses-2"), t1("sub-02")]
    assert sources(chosen(tmp_path, *files, sessions=frozenset("2"))) == [files[1]]
    with pytest.raises(UsageError, match="no T1w image of ses-3; the sessions are ses-1, ses-2"):
        chosen(tmp_path, *files, sessions=frozenset("3"))


def test_results_of_fmriprep(tmp_path):
    files = [
        t1("sub-01", "desc-preproc"),
        t1("sub-01", "space-MNI152NLin2009cAsym", "res-1", "desc-preproc"),
        t1("sub-01", "desc-brain"),
    ]
    assert sources(chosen(tmp_path, *files, derived=True)) == [files[0]]
    with pytest.raises(UsageError, match=r"no desc-preproc_T1w image to segment .* give the raw one"):
        chosen(tmp_path / "raw", t1("sub-01"), derived=True)


def test_one_name_twice_is_a_problem_of_that_case(tmp_path):
    choice = chosen(tmp_path, t1("sub-01"), t1("sub-01", ending=".nii"), t1("sub-02"))
    first, second = choice.images
    assert "sub-01_T1w.nii and sub-01_T1w.nii.gz are one case" in first.problem
    assert second.problem is None


def test_images_that_differ_in_desc_alone_are_no_two_cases(tmp_path):
    """Their results would have the same names."""
    wanted = ImageFilter({"desc": ("preproc", "brain")})
    files = (t1("sub-01", "desc-brain"), t1("sub-01", "desc-preproc"))
    (image,) = chosen(tmp_path, *files, filter=wanted, derived=True).images
    assert "sub-01_desc-brain_T1w.nii.gz and sub-01_desc-preproc_T1w.nii.gz are one case" in image.problem


def test_no_image_says_why(tmp_path):
    with pytest.raises(UsageError, match=r"no T1w image .* 1 participant\(s\): the folders anat/ hold none"):
        chosen(tmp_path, "sub-01/anat/sub-01_T2w.nii.gz")
    with pytest.raises(UsageError, match=r"a phase, real or imaginary part"):
        chosen(tmp_path / "b", t1("sub-01", "part-phase"))

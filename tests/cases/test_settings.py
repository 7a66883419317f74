"""What the numbers of a case depend on."""

from dataclasses import replace

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.settings import hash_inputs, settings_of
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.errors import ImageError
from fs_sclimbic.network.structure_prior import Site, StructurePrior
from fs_sclimbic.segmentation.options import Options
from tests.conftest import ONE_BALL

ALL = Requests(posteriors=True, volumes=True, qa_stats=True)

CHANGES = {
    "percentile": {"percentile": 99.9},
    "low percentile": {"low_percentile": 0.1},
    "size tolerance": {"size_tolerance_voxels": 0.01},
    "conform": {"conform": True},
    "voxel counts": {"voxel_counts": True},
    "exclude": {"exclude": frozenset({26})},
    "population": {"population": {}},
    "full fov": {"full_fov": True},
    "shifts": {"average_shifts": 2},
}
SPEC_CHANGES = {"sha256": "other", "fov": 52, "features": 3, "colors": ONE_BALL}


@pytest.fixture
def inputs(tmp_path, head_file):
    return hash_inputs(image_case(head_file, tmp_path / "seg.mgz", ALL), None)


@pytest.mark.parametrize("change", CHANGES)
def test_each_option_counts(inputs, run, change):
    before, after = (settings_of(inputs, run, options) for options in (Options(), Options(**CHANGES[change])))
    assert before != after


def test_records_of_published_runs_have_the_keys_they_had(inputs, run):
    """Else each case of a study would be run again."""
    assert set(settings_of(inputs, run, Options())) == {
        "input_sha256",
        "transform_sha256",
        "weights_sha256",
        "fov",
        "features",
        "channels",
        "colors",
        "conform",
        "percentile",
        "voxel_counts",
        "exclude",
        "full_fov",
        "average_shifts",
        "precision",
        "place_sha256",
        "population",
    }


@pytest.mark.parametrize("field", SPEC_CHANGES)
def test_each_property_of_the_model_counts(inputs, run, field):
    other = replace(run, spec=replace(run.spec, **{field: SPEC_CHANGES[field]}))
    assert settings_of(inputs, run, Options()) != settings_of(inputs, other, Options())


def test_where_the_structures_lie_counts_unless_all_is_kept(inputs, run):
    site = Site("Left-Ball", (0, 0, 0), (9, 9, 9), (4, 4, 4), 700.0)
    known = replace(run, spec=replace(run.spec, prior=StructurePrior((site,))))
    assert settings_of(inputs, run, Options()) != settings_of(inputs, known, Options())
    whole = Options(full_fov=True)
    assert settings_of(inputs, run, whole) == settings_of(inputs, known, whole)


def test_the_precision_counts(inputs, run):
    other = replace(run, precision="bfloat16")
    assert settings_of(inputs, run, Options()) != settings_of(inputs, other, Options())


@pytest.mark.parametrize("changed", ["t1", "transform"])
def test_each_input_counts(subjects_dir, run, changed):
    case = subject_case(subjects_dir, "bert", Requests())
    transform = case.transforms[0]
    before = settings_of(hash_inputs(case, transform), run, Options())
    with open(case.t1 if changed == "t1" else transform, "ab") as file:
        file.write(b" ")
    assert settings_of(hash_inputs(case, transform), run, Options()) != before


def test_an_image_that_is_gone(tmp_path, head_file):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    head_file.unlink()
    with pytest.raises(ImageError, match=r"head\.nii\.gz: image does not exist"):
        hash_inputs(case, None)

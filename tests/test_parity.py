"""The published weights on real heads, against what the published tool makes of them."""

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fs_sclimbic import Grid, Options, Volume, load_model, read_volume, segment
from fs_sclimbic.cases.stats_files import read_stats
from fs_sclimbic.cli.segment import main
from fs_sclimbic.registration.head_search import locate_head
from tests.conftest import SHARED

pytestmark = pytest.mark.parity

MAX_LABEL_VOXELS, MAX_COUNT, MAX_VOLUME_SHARE = 3, 3, 1e-3
MAX_POSTERIOR, MAX_CONFIDENCE, MAX_Z = 1e-3, 0.002, 0.02

IMAGES = sorted(path.name for path in (SHARED / "data/t1").glob("*.*"))
SUBJECTS = sorted(path.name for path in (SHARED / "data/subjects").glob("*"))
EVERYTHING = ["--write_volumes", "--write_qa_stats", "--write_posteriors", "--threads", "2", "--no-cite-sclimbic"]


@pytest.fixture(scope="module")
def published(shared):
    return ["--model", str(shared / "models/sclimbic.fsm+ad.t1.nstd00-50.nstd32-50.h5")]


WAYS = {
    "the whole field of view": ["--full-fov"],
    "TensorFlow": ["--engine", "tensorflow"],
    "the whole field of view under TensorFlow": ["--full-fov", "--engine", "tensorflow"],
    "one thread": ["--threads", "1"],
}


@pytest.mark.parametrize("way", WAYS)
def test_other_ways_to_the_same_voxels(way, shared, published, tmp_path):
    image, reference = shared / "data/t1/seg3d.nii.gz", shared / "reference/seg/t1"
    call = ["--i", str(image), "--o", str(tmp_path / "seg3d.nii.gz"), "--conform", *EVERYTHING, *published, *WAYS[way]]
    assert main(call) == 0
    assert_same_labels(tmp_path / "seg3d.nii.gz", reference / "seg3d.sclimbic.nii.gz")
    assert_same_posteriors(tmp_path / "seg3d.posteriors.nii.gz", reference / "seg3d.sclimbic.posteriors.nii.gz")
    assert_same_stats(tmp_path / "seg3d.stats", reference / "seg3d.sclimbic.stats")


WRONG_BY_MM = [(12, 0, 0), (0, -25, 10), (0, 0, 40), (-60, 30, 0), (0, 200, 0)]
WRONG = {
    **{f"{by} mm": np.vstack([np.column_stack([np.eye(3), by]), [0, 0, 0, 1]]) for by in WRONG_BY_MM},
    "turned by 20 degrees": nib.affines.from_matvec(nib.eulerangles.euler2mat(0, 0, np.radians(20))),
    "too large": np.diag([0.7, 0.7, 0.7, 1]),
    "left is right": np.diag([-1, 1, 1, 1]),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_wrong_guesses_cost_time_and_no_voxel(wrong, shared, published):
    """Whatever the transform that is given first, the labels are those of the published tool."""
    model = load_model(published[1], threads=2)
    t1 = read_volume(shared / "data/t1/coregqa.nii.gz")
    result = segment(t1, model, Options(conform=True), ras2mni=wrong @ locate_head(t1).ras2mni)
    assert len(result.notes) > 1
    expected = np.asarray(nib.load(shared / "reference/seg/t1/coregqa.sclimbic.nii.gz").dataobj)
    assert np.array_equal(result.labels.data, expected)


def test_an_off_centre_head_is_found(shared, published):
    """Air on one side puts the structures at the edge of the published tool's box, which cuts them."""
    model = load_model(published[1], threads=2)
    t1 = read_volume(shared / "data/t1/coregqa.nii.gz")
    data = np.pad(t1.data, ((0, 0), (0, 0), (0, 152)))  # the centre moves by a multiple of 4
    far = Volume(data, Grid(data.shape, t1.grid.vox2ras))
    found, plain = (segment(image, model, Options(conform=True)) for image in (far, t1))
    assert any("off the centre" in warning for warning in found.warnings)
    assert np.array_equal(found.labels.data[..., : t1.data.shape[2]], plain.labels.data)
    cut = segment(far, model, Options(conform=True, full_fov=True))
    assert np.count_nonzero(cut.labels.data) < 0.9 * np.count_nonzero(found.labels.data)
    assert any("edge of the 160 mm box" in warning for warning in cut.warnings)


@pytest.fixture(scope="module")
def folder(shared, published, tmp_path_factory):
    """All T1s in folder mode."""
    out = tmp_path_factory.mktemp("t1")
    assert main(["--i", str(shared / "data/t1"), "--o", str(out), "--conform", *EVERYTHING, *published]) == 0
    return out


@pytest.fixture(scope="module")
def subjects(shared, published, tmp_path_factory):
    """All subjects in subject mode; their folders are read-only, so links stand in for them."""
    home = tmp_path_factory.mktemp("subjects")
    for subject in SUBJECTS:
        for path in (shared / "data/subjects" / subject).rglob("*.*"):
            link = home / path.relative_to(shared / "data/subjects")
            if path.is_file():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)
    assert main(["--s", "--sd", str(home), *EVERYTHING, *published]) == 0
    return home


def assert_same_image(ours: Path, theirs: Path):
    found, expected = nib.load(ours), nib.load(theirs)
    assert found.shape == expected.shape
    assert np.allclose(found.affine, expected.affine, atol=1e-4)
    assert np.allclose(found.header.get_zooms()[:3], expected.header.get_zooms()[:3], atol=1e-5)
    return np.asarray(found.dataobj), np.asarray(expected.dataobj)


def assert_same_labels(ours: Path, theirs: Path):
    found, expected = assert_same_image(ours, theirs)
    assert np.issubdtype(found.dtype, np.integer)
    assert np.count_nonzero(expected) > 200
    assert np.count_nonzero(found != expected) <= MAX_LABEL_VOXELS


def assert_same_posteriors(ours: Path, theirs: Path):
    found, expected = assert_same_image(ours, theirs)
    assert np.abs(found - expected).max() <= MAX_POSTERIOR


def assert_same_stats(ours: Path, theirs: Path):
    """Equal as text up to the counts and volumes, apart from the further header lines."""
    found, expected = read_stats(ours), read_stats(theirs)
    for mine, other in zip(found.structures, expected.structures, strict=True):
        assert (mine.structure.index, mine.structure.name) == (other.structure.index, other.structure.name)
        assert abs(mine.n_voxels - other.n_voxels) <= MAX_COUNT
        assert mine.volume_mm3 == pytest.approx(other.volume_mm3, rel=MAX_VOLUME_SHARE)
    assert found.etiv_mm3 == (None if expected.etiv_mm3 is None else pytest.approx(expected.etiv_mm3, rel=1e-5))

    def skeleton(path):
        lines = path.read_text().splitlines()
        shape = [line if line.startswith("#") else f"{line[:11]}{'':18s}{line[29:]}" for line in lines]
        return [line.split(", 1")[0].split(", 2")[0] if "Measure" in line else line for line in shape]

    ours_lines = skeleton(ours)
    further = [line for line in ours_lines if line not in skeleton(theirs)]
    assert all(line.startswith("#") for line in further)
    assert [line for line in ours_lines if line not in further] == skeleton(theirs)
    assert all(len(a) == len(b) for a, b in zip(rows_of(ours), rows_of(theirs), strict=True))


def rows_of(path):
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def assert_same_table(ours: Path, theirs: Path, tolerance):
    found, expected = (list(csv.reader(path.read_text().splitlines())) for path in (ours, theirs))
    assert found[0] == expected[0]
    numbers = {row[0].split("/")[-1]: [float(cell) for cell in row[1:]] for row in found[1:]}
    wanted = {row[0].split("/")[-1]: [float(cell) for cell in row[1:]] for row in expected[1:]}
    assert set(numbers) == set(wanted)
    for case, values in wanted.items():
        assert np.allclose(numbers[case], values, **tolerance), case


def reference_of(image):
    stem, suffix = image.split(".", 1)
    return f"{stem}.sclimbic.{suffix}", f"{stem}.sclimbic.posteriors.{suffix}", f"{stem}.sclimbic.stats"


@pytest.mark.parametrize("image", IMAGES)
def test_images(image, folder, shared):
    labels, posteriors, stats = reference_of(image)
    reference = shared / "reference/seg/t1"
    assert_same_labels(folder / labels, reference / labels)
    assert_same_posteriors(folder / posteriors, reference / posteriors)
    assert_same_stats(folder / stats, reference / stats)
    assert read_volume(folder / labels).grid.matches(read_volume(shared / "data/t1" / image).grid)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subjects(subject, subjects, shared):
    ours, reference = subjects / subject, shared / "reference/seg/subjects" / subject
    assert_same_labels(ours / "mri/sclimbic.mgz", reference / "mri/sclimbic.mgz")
    assert_same_posteriors(ours / "mri/sclimbic.posteriors.mgz", reference / "mri/sclimbic.posteriors.mgz")
    assert_same_stats(ours / "stats/sclimbic.stats", reference / "stats/sclimbic.stats")


TOLERANCES = {
    "volumes": {"rtol": MAX_VOLUME_SHARE, "atol": 1e-3},
    "zqa_scores": {"rtol": 0, "atol": MAX_Z},
    "confidences": {"rtol": 0, "atol": MAX_CONFIDENCE},
}


@pytest.mark.parametrize("table", TOLERANCES)
def test_tables(table, folder, subjects, shared):
    name = f"sclimbic_{table}_all.csv"
    assert_same_table(folder / name, shared / "reference/seg/t1" / name, TOLERANCES[table])
    assert_same_table(subjects / name, shared / "reference/seg/subjects" / name, TOLERANCES[table])


OTHER_MODELS = {
    "entowm": [
        "--percentile",
        "99.9",
        "--keep_ac",
        "--ctab",
        "entowm.ctab",
        "--model",
        "entowm.fsm31.t1.nstd00-30.nstd21-108.h5",
    ],
    "fov144": ["--fov", "144", "--output-base", "lim", "--model", "sclimbic.fsm+ad.t1.nstd00-50.nstd32-50.h5"],
}


@pytest.mark.parametrize("name", OTHER_MODELS)
def test_other_models_of_the_family(name, shared, tmp_path):
    reference = shared / "reference/seg_other" / name
    flags = [str(shared / "models" / word) if word.endswith((".h5", ".ctab")) else word for word in OTHER_MODELS[name]]
    call = ["--i", str(shared / "data/t1/colin27.nii.gz"), "--o", str(tmp_path / "colin27.mgz"), *EVERYTHING, *flags]
    assert main(call) == 0
    assert_same_labels(tmp_path / "colin27.mgz", reference / "colin27.mgz")
    assert_same_posteriors(tmp_path / "colin27.posteriors.mgz", reference / "colin27.posteriors.mgz")
    assert_same_stats(tmp_path / "colin27.stats", reference / "colin27.stats")


def test_percentile_commissure_and_counts(shared, published, tmp_path):
    reference = shared / "reference/seg_other/p999"
    flags = ["--conform", "--percentile", "99.9", "--keep_ac", "--vox-count-volumes", *EVERYTHING, *published]
    assert main(["--i", str(shared / "data/t1/seg3d.nii.gz"), "--o", str(tmp_path / "seg3d.nii.gz"), *flags]) == 0
    assert_same_labels(tmp_path / "seg3d.nii.gz", reference / "seg3d.nii.gz")
    assert_same_stats(tmp_path / "seg3d.stats", reference / "seg3d.stats")
    for table in ("zqa_scores", "confidences"):
        name = f"seg3d.{table}_all.csv"
        assert_same_table(tmp_path / name, reference / name, TOLERANCES[table])


def test_the_advice_about_padding_gives_the_volumes_of_the_image_without_it(shared, published):
    model = load_model(published[1], threads=2)
    t1 = read_volume(shared / "data/t1/colin27.nii.gz")
    plain = np.asarray(t1.data, np.float32).copy()
    plain[:9] = 0
    padded = plain.copy()
    padded[:9] = -255
    expected, before = volumes_and_warnings(Volume(plain, t1.grid), model)
    squeezed, warnings = volumes_and_warnings(Volume(padded, t1.grid), model)
    (warning,) = (text for text in warnings if "fslmaths IN -max " in text)
    assert np.abs(squeezed / expected - 1).max() > 0.02, "the warning is true"
    floor = float(warning.split("fslmaths IN -max ")[1].split(" OUT")[0])
    repaired, after = volumes_and_warnings(Volume(np.maximum(padded, floor), t1.grid), model)
    np.testing.assert_allclose(repaired, expected, rtol=1e-3)
    assert before == after == ()


def volumes_and_warnings(t1, model):
    result = segment(t1, model, Options(conform=True))
    return np.array([row.volume_mm3 for row in result.stats.structures]), result.warnings

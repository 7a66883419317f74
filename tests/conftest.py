"""Synthetic heads, hand-made networks whose answer is known, and the way to the shared data."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from fs_sclimbic.files.hashing import sha256_of
from fs_sclimbic.image.labels import ColorTable, Structure, format_ctab
from fs_sclimbic.image.volume import Grid, Volume, write_volume
from fs_sclimbic.network.architecture import network_weights
from fs_sclimbic.network.spec import ModelSpec
from fs_sclimbic.network.weights import write_weights

settings.register_profile("patient", deadline=None)  # on a busy machine an example may take any time
settings.load_profile("patient")

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("FS_SCLIMBIC_SHARED", ROOT.parent / "shared"))

BALL_RADIUS_MM = 6.0
BALL_VOLUME_MM3 = 4 / 3 * np.pi * BALL_RADIUS_MM**3
TINY_FOV = 48

TWO_BALLS = ColorTable(
    (
        Structure(0, "Unknown", (0, 0, 0, 0)),
        Structure(26, "Left-Ball", (234, 197, 102, 0)),
        Structure(853, "Right-Ball", (60, 58, 210, 0)),
    )
)
ONE_BALL = ColorTable((Structure(0, "Unknown", (0, 0, 0, 0)), Structure(7, "Ball", (255, 0, 0, 0))))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The project's shared folder: published weights, real heads, what the original makes of them."""
    if not (SHARED / "models").is_dir():
        pytest.skip(f"needs the project's shared data at {SHARED} (set FS_SCLIMBIC_SHARED)")
    return SHARED


STEEPNESS = 60
DARK, BRIGHT = (-STEEPNESS, 0.25 * STEEPNESS), (STEEPNESS, -0.75 * STEEPNESS)
"""Logits as slope and offset of the intensity: above the background's 0 below a quarter, or above three quarters."""


def intensity_weights(lines=(DARK, BRIGHT), features: int = 2):
    """Weights of a U-Net that passes the image through and labels it by intensity, one line a label."""
    weights = {
        layer: {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        for layer, shapes in network_weights(1 + len(lines), features, 1).items()
    }
    for layer, arrays in weights.items():
        if "_bn_" in layer:
            arrays["gamma"][:] = 1
            arrays["moving_variance"][:] = 1 - 1e-3  # Keras adds 1e-3
    for layer in ("unet_conv_downarm_0_0", "unet_conv_downarm_0_1", "unet_conv_uparm_4_0", "unet_conv_uparm_4_1"):
        weights[layer]["kernel"][1, 1, 1, 0, 0] = 1
    for label, (slope, offset) in enumerate(lines, 1):
        weights["unet_likelihood"]["kernel"][0, 0, 0, 0, label] = slope
        weights["unet_likelihood"]["bias"][label] = offset
    return weights


def make_model(folder: Path, colors: ColorTable = TWO_BALLS, lines=(DARK, BRIGHT)) -> ModelSpec:
    """A tiny model on disk, ``tiny.h5`` and ``tiny.ctab``."""
    write_weights(folder / "tiny.h5", intensity_weights(lines))
    (folder / "tiny.ctab").write_text(format_ctab(colors))
    return ModelSpec(folder / "tiny.h5", sha256_of(folder / "tiny.h5"), colors, fov=TINY_FOV, features=2)


MODEL_FLAGS = ["--fov", str(TINY_FOV), "--features", "2"]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> ModelSpec:
    """A model that labels the darkest quarter of the range Left-Ball and the brightest Right-Ball."""
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def tiny_flags(tiny_model) -> list[str]:
    """The command-line flags that choose the tiny model."""
    return ["--model", str(tiny_model.weights), "--ctab", str(tiny_model.weights.with_name("tiny.ctab")), *MODEL_FLAGS]


@pytest.fixture(scope="session")
def predictor(tiny_model):
    """The tiny model, loaded once for all tests."""
    from fs_sclimbic.network.predictor import NetworkPredictor

    return NetworkPredictor(tiny_model, threads=1)


def grid_about(center_ras, shape, axes, sizes) -> Grid:
    """A grid whose centre lies at a point, with axis directions in columns and voxel sizes in mm."""
    vox2ras = np.eye(4)
    vox2ras[:3, :3] = np.asarray(axes, float) * np.asarray(sizes, float)
    vox2ras[:3, 3] = np.asarray(center_ras, float) - vox2ras[:3, :3] @ (np.asarray(shape) / 2)
    return Grid(tuple(shape), vox2ras)


CENTER = np.array([3.0, -11.0, 7.0])
LEFT_BALL, RIGHT_BALL = CENTER + [-7, 4, -3], CENTER + [7, -2, 5]
RAS_AXES = np.eye(3)


def synthetic_head(grid: Grid, dtype=np.float32, scale: float = 200.0) -> Volume:
    """Grey everywhere, with a black ball on the left and a white one on the right, at fixed places in scanner space.

    Edges are soft over 1 mm, so that the intensity half way between ball and grey lies at the ball's radius.
    """
    ras = np.moveaxis(np.indices(grid.shape), 0, -1) @ grid.vox2ras[:3, :3].T + grid.vox2ras[:3, 3]
    left, right = (
        np.clip(BALL_RADIUS_MM - np.linalg.norm(ras - where, axis=-1) + 0.5, 0, 1) for where in (LEFT_BALL, RIGHT_BALL)
    )
    return Volume((scale * (0.5 - 0.5 * left + 0.5 * right)).astype(dtype), grid)


@pytest.fixture(scope="session")
def head() -> Volume:
    """A 1 mm RAS head, 60 x 56 x 50 voxels."""
    return synthetic_head(grid_about(CENTER, (60, 56, 50), RAS_AXES, (1, 1, 1)))


@pytest.fixture
def head_file(tmp_path, head) -> Path:
    """The 1 mm head as a file."""
    path = tmp_path / "head.nii.gz"
    write_volume(head, path)
    return path


XFM = (
    "MNI Transform File\n% avi2talxfm\n\nTransform_Type = Linear;\nLinear_Transform = \n"
    "1.1 0 0 1\n0 1.1 0 -2\n0 0 1.1 3;\n"
)


@pytest.fixture
def subjects_dir(tmp_path, head) -> Path:
    """A SUBJECTS_DIR with bert, ernie and bert.long.base; ernie's transform is an .lta."""
    from fs_sclimbic.image.transforms import format_lta

    folder = tmp_path / "subjects"
    for name in ("bert", "ernie", "bert.long.base"):
        (folder / name / "mri" / "transforms").mkdir(parents=True)
        write_volume(head, folder / name / "mri" / "nu.mgz")
        if name == "ernie":
            (folder / name / "mri/transforms/talairach.xfm.lta").write_text(format_lta(np.diag([1.2, 1.2, 1.2, 1])))
        else:
            (folder / name / "mri/transforms/talairach.xfm").write_text(XFM)
    (folder / "fsaverage").mkdir()
    return folder


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path_factory):
    """No weights or subjects of this machine reach a test."""
    for variable in ("FREESURFER_HOME", "SUBJECTS_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path_factory.mktemp("no-models")))


@pytest.fixture(scope="session")
def mni_demo(tmp_path_factory):
    """What `fs_sclimbic demo` makes with the shipped weights."""
    from fs_sclimbic.cli.demo import main

    folder = tmp_path_factory.mktemp("demo") / "out"
    assert main([str(folder)]) == 0
    return folder

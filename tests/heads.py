"""Synthetic heads with four structures to learn, each of its own shape, size, place and brightness."""

from pathlib import Path

import numpy as np
from scipy import ndimage

from fs_sclimbic.files.resources import data_file
from fs_sclimbic.image.labels import ColorTable, Structure
from fs_sclimbic.image.volume import Grid, Volume, read_volume, write_volume
from fs_sclimbic.registration.head_template import AVERAGE_HEAD
from tests.conftest import grid_about

FOUR = ColorTable(
    (
        Structure(0, "Unknown", (0, 0, 0, 0)),
        Structure(11, "Left-Ball", (255, 0, 0, 0)),
        Structure(50, "Right-Ball", (0, 255, 0, 0)),
        Structure(16, "Rod", (0, 0, 255, 0)),
        Structure(80, "Box", (255, 255, 0, 0)),
    )
)
HEAD_MM = np.array([22.0, 24.0, 20.0])
HEAD_LEVEL, LEVELS = 0.5, (0.75, 0.15, 1.0, 0.32)
ORIENTATIONS = (np.eye(3), np.array([[-1, 0, 0], [0, 0, 1], [0, -1, 0]]), np.diag([-1, -1, 1]))


def labelled_head(seed: int, size_mm: float = 1.0, axes=None) -> tuple[Volume, Volume]:
    """A noisy T1 and its label map; place, size and contrast of everything depend on the seed."""
    rng = np.random.default_rng(seed)
    axes = ORIENTATIONS[seed % 3] if axes is None else axes
    grid = grid_about(rng.uniform(-20, 20, 3), (np.full(3, 48) / size_mm).astype(int), axes, np.full(3, size_mm))
    ras = np.moveaxis(np.indices(grid.shape), 0, -1) @ grid.vox2ras[:3, :3].T + grid.vox2ras[:3, 3] - grid.center_ras
    ras = ras / rng.uniform(0.92, 1.08, 3) - rng.uniform(-2, 2, 3)

    def away(point):
        return ras - (np.array(point) + rng.uniform(-1.5, 1.5, 3))

    inside = (
        np.linalg.norm(away((-10, 6, 1)), axis=-1) < rng.uniform(6, 7.5),
        np.linalg.norm(away((10, 6, 1)), axis=-1) < rng.uniform(6, 7.5),
        np.linalg.norm(away((0, -10, 2))[..., :2], axis=-1) + 100 * (np.abs(ras[..., 2]) > 10) < 4.5,
        np.abs(away((0, 8, -9))).max(-1) < rng.uniform(5.5, 6.5),
    )
    image = np.where(np.linalg.norm(ras / HEAD_MM, axis=-1) < 1, HEAD_LEVEL, 0.0)
    labels = np.zeros(grid.shape, np.int32)
    for structure, level, where in zip(FOUR.foreground, LEVELS, inside, strict=True):
        image[where], labels[where] = level, structure.index
    image = 300 * np.clip(image + 0.02 * rng.standard_normal(grid.shape), 0, None)
    return Volume(image.astype(np.float32), grid), Volume(labels, Grid(grid.shape, grid.vox2ras))


def write_heads(folder: Path, seeds, **geometry) -> tuple[Path, Path]:
    """Folders of images and label maps for `fs_sclimbic train`."""
    images, labels = folder / "images", folder / "labels"
    for made in (images, labels):
        made.mkdir(parents=True)
    for seed in seeds:
        t1, truth = labelled_head(seed, **geometry)
        write_volume(t1, images / f"head{seed}.nii.gz")
        write_volume(truth, labels / f"head{seed}.nii.gz")
    return images, labels


RAS2MNI = np.array([[1.09, 0.02, -0.03, 1.5], [-0.05, 1.03, 0.21, -12.0], [0.04, -0.19, 1.11, 9.0], [0, 0, 0, 1]])
"""How the whole head lies, scanner RAS to MNI305 in mm: eTIV is 1.51 l."""


def whole_head(
    ras2mni=RAS2MNI,
    size_mm=2.0,
    axes=None,
    center=None,
    extent_mm=(184, 232, 216),
    noise=0.03,
    bias=0.3,
    stripped=False,
) -> Volume:
    """The average head of the package as a subject: with the transform that is to be found, noise and a bias field.

    Parameters
    ----------
    ras2mni : ndarray, shape (4, 4)
    size_mm : float or three
    axes : ndarray, shape (3, 3), optional
        Directions of the voxel axes in columns; upright by default.
    center : three, optional
        Middle of the field of view, scanner RAS; that of the head by default.
    extent_mm : three
        Size of the field of view along the voxel axes.
    noise : float
        Its standard deviation over the brightness of white matter.
    bias : float
        Natural logarithm of the bias field at 100 mm from the middle.
    stripped : bool
        Only the brain.
    """
    average = read_volume(data_file(*AVERAGE_HEAD), frames=True)
    look = average.data[..., 0] / 255.0
    if stripped:
        look = look * (average.data[..., 1] > 127)
    sizes = np.broadcast_to(size_mm, 3)
    middle = np.linalg.inv(ras2mni) @ [0, -19, 6, 1]
    shape = np.rint(np.array(extent_mm) / sizes).astype(int)
    grid = grid_about(middle[:3] if center is None else center, shape, np.eye(3) if axes is None else axes, sizes)
    to_voxel = np.linalg.inv(average.grid.vox2ras) @ ras2mni @ grid.vox2ras
    data = ndimage.affine_transform(look, to_voxel[:3, :3], to_voxel[:3, 3], output_shape=grid.shape, order=1)
    i, j, k = ((n - (size - 1) / 2) * mm / 100 for n, size, mm in zip(np.indices(shape), shape, sizes, strict=True))
    data = data * np.exp(bias * (0.6 * i - 0.8 * j + 0.5 * k * k))
    data = np.hypot(data, noise * np.random.default_rng(5).standard_normal(data.shape)) * (data > 0 if stripped else 1)
    return Volume((500 * data).astype(np.float32), grid)

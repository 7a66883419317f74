"""An average at one resolution, ready for Gauss-Newton steps, and the geometry that goes with it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..image.grid import Grid, Volume

BRAIN_RADIUS_MM = 50.0
"""About a brain's radius of gyration. At this distance a turn by x radians moves a voxel by x times the radius."""
PRODUCT_BLOCK_ROWS = 400
"""Rows of a matrix product that are small enough for one BLAS thread."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Level:
    """The template at one resolution, ready for Gauss-Newton steps."""

    points: NDArray[np.float32]
    """MNI305 RAS (mm) of the voxels that count, shape (n, 3)."""
    values: NDArray[np.float32]
    """Template intensity there, shape (n,)."""
    field: NDArray[np.float32]
    """Polynomials of a bias field there, the constant first, shape (n, 10)."""
    design: NDArray[np.float32]
    """Derivatives of the values by 12 affine parameters, the bias field's 10 and an offset, shape (n, 23).

    The affine ones are the rows of a 3 x 4 matrix that acts on (point / BRAIN_RADIUS_MM, 1) and gives mm.
    """
    normal: NDArray[np.float64]
    """design.T @ design."""
    smoothing_mm: float
    """Sigma of the Gaussian that makes an image as smooth as the level."""
    redundancy: float
    """Residuals of neighbours are correlated: so many voxels are worth one independent observation."""


def smooth(volume: Volume, sigma_mm: float) -> Volume:
    """Smooth with a Gaussian; outside the volume is 0.

    Parameters
    ----------
    volume : Volume
        Three axes.
    sigma_mm : float
        Standard deviation of the Gaussian, mm.

    Returns
    -------
    Volume
    """
    sigma = sigma_mm / np.linalg.norm(volume.grid.vox2ras[:3, :3], axis=0)
    return Volume(ndimage.gaussian_filter(volume.data, sigma, mode="constant", truncate=2.5), volume.grid)


def sample(
    volume: Volume, to_ras: NDArray[np.floating], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Interpolate linearly at points of another space.

    Parameters
    ----------
    volume : Volume
        float32.
    to_ras : ndarray, shape (4, 4)
        From the points' space to the volume's scanner RAS, mm.
    points : ndarray, shape (n, 3)

    Returns
    -------
    values : ndarray, shape (n,)
        0 outside the volume.
    inside : ndarray, shape (n,)
        Which points lie between the volume's voxels.
    """
    to_voxel = (np.linalg.inv(volume.grid.vox2ras) @ to_ras).astype(np.float32)
    where = to_voxel[:3, :3] @ points.T + to_voxel[:3, 3:]
    last = np.array(volume.grid.shape, np.float32)[:, np.newaxis] - 1
    inside: NDArray[np.bool_] = np.all((where >= 0) & (where <= last), axis=0)
    return ndimage.map_coordinates(volume.data, where, order=1, mode="constant"), inside


def voxel_points(grid: Grid, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Scanner RAS of some voxels of a grid.

    Parameters
    ----------
    grid : Grid
    chosen : ndarray of bool
        Of the grid's shape; True for the voxels that are asked for.

    Returns
    -------
    ndarray, shape (n, 3)
        mm, in the order of the array.
    """
    return np.argwhere(chosen) @ grid.vox2ras[:3, :3].T + grid.vox2ras[:3, 3]


def pitch_matrix(scale: float, radians: float) -> NDArray[np.float64]:
    """Scale, and turn about the axis from left to right so that the nose rises.

    Parameters
    ----------
    scale : float
    radians : float

    Returns
    -------
    ndarray, shape (3, 3)
        Acts on RAS coordinates.
    """
    # SciPy's Rotation goes by quaternions and rounds otherwise; eTIV would change in its last digits.
    sin, cos = np.sin(radians), np.cos(radians)
    return scale * np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


def make_level(template: Volume, chosen: NDArray[np.bool_], *, smoothing_mm: float, redundancy: float) -> Level:
    """Prepare the template at one resolution.

    Parameters
    ----------
    template : Volume
        Brightness of the template in MNI305 space, on an upright grid.
    chosen : ndarray of bool
        Its voxels that count.
    smoothing_mm, redundancy : float
        As in `Level`.

    Returns
    -------
    Level
    """
    per_mm = np.stack(np.gradient(template.data), -1)[chosen] @ np.linalg.inv(template.grid.vox2ras[:3, :3])
    values = template.data[chosen]
    unit = values.std()
    values, per_mm = values / unit, per_mm / unit
    points = voxel_points(template.grid, chosen)
    field = field_terms(points)
    moved = per_mm[:, :, np.newaxis] * field[:, np.newaxis, [1, 2, 3, 0]]
    design = np.column_stack([moved.reshape(-1, 12), field * values[:, np.newaxis], field[:, 0]])
    return Level(
        points=points.astype(np.float32),
        values=values.astype(np.float32),
        field=field.astype(np.float32),
        design=design.astype(np.float32),
        normal=multiply_transposed(design.astype(np.float32), design.astype(np.float32)),
        smoothing_mm=smoothing_mm,
        redundancy=redundancy,
    )


def field_terms(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """The polynomials of a bias field at MNI305 points (mm), shape (n, 3); the constant first, shape (n, 10)."""
    x, y, z = (points / BRAIN_RADIUS_MM).T
    return np.column_stack([np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y, x * z, y * z])


def multiply_transposed(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """``one.T @ other``, the same to the last bit for any number of threads.

    Parameters
    ----------
    one, other : ndarray, shapes (n, a) and (n, b)

    Returns
    -------
    ndarray, shape (a, b)

    Notes
    -----
    BLAS divides large products among threads, and then the sums depend on their number. These blocks are too small
    for that. threadpoolctl could hold BLAS to one thread, but only for the whole process, where other cases run.
    """
    end = len(one) // PRODUCT_BLOCK_ROWS * PRODUCT_BLOCK_ROWS
    first, second = (values[:end].reshape(-1, PRODUCT_BLOCK_ROWS, values.shape[1]) for values in (one, other))
    products = np.matmul(first.transpose(0, 2, 1), second).sum(axis=0, dtype=np.float64)
    return np.asarray(products + one[end:].T @ other[end:], np.float64)

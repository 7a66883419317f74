"""Random rigid moves of a head: what re-positioning in the scanner does to it."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from fs_sclimbic import Volume


def random_move(rng: np.random.Generator, degrees: tuple[float, float], mm: tuple[float, float]) -> NDArray[np.float64]:
    """A rotation about a random axis and a shift in a random direction, of sizes within the ranges; 4 x 4, mm."""
    move = np.eye(4)
    move[:3, :3] = Rotation.from_rotvec(_direction(rng) * rng.uniform(*degrees), degrees=True).as_matrix()
    move[:3, 3] = _direction(rng) * rng.uniform(*mm)
    return move


def _direction(rng: np.random.Generator) -> NDArray[np.float64]:
    direction = rng.standard_normal(3)
    return np.asarray(direction / np.linalg.norm(direction))


def moved(t1: Volume, move: NDArray[np.float64]) -> Volume:
    """The head moved about the centre of its image and sampled again on the same grid, by cubic splines."""
    about = np.eye(4)
    about[:3, 3] = t1.grid.center_ras
    ras2ras = about @ move @ np.linalg.inv(about)
    to_source = np.linalg.inv(t1.grid.vox2ras) @ np.linalg.inv(ras2ras) @ t1.grid.vox2ras
    data = np.asarray(t1.data, np.float32)
    sampled = ndimage.affine_transform(data, to_source[:3, :3], to_source[:3, 3], order=3, mode="constant", cval=0)
    return Volume(np.clip(sampled, data.min(), data.max()), t1.grid)

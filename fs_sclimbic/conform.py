"""Bring a head to the network's box, and what the network says of it back to the image.

Sampling is surfa's, so that the numbers are FreeSurfer's; the geometry is our own, because surfa's
stumbles over current NumPy (permuted axes, bounding boxes) and because a grid here is a value.
"""

import numpy as np
from numpy.typing import NDArray
from surfa.image.interp import interpolate

from .errors import ImageError
from .volume import Grid, Volume

# FreeSurfer's tolerance for "the voxels have this size already", mm.
SAME_SIZE_MM = 1e-5
ISOTROPIC_1MM_TOLERANCE = 0.01


def scale_intensities(t1: Volume, percentile: float | None = None) -> Volume:
    """Stretch the intensities of an image to [0, 1].

    Parameters
    ----------
    t1 : Volume
        One frame, any real type.
    percentile : float, optional
        The top of the range is this percentile of the non-zero voxels; by default the maximum.

    Returns
    -------
    Volume
        float32 on the same grid; 0 is the image's minimum, 1 the top of the range and all above it.

    Raises
    ------
    ImageError
        If a voxel is not finite, or all have one value.
    """
    data = np.asarray(t1.data, np.float32)
    finite = np.isfinite(data)
    if not finite.all():
        count = int(data.size - np.count_nonzero(finite))
        raise ImageError(
            f"{count} of {data.size} voxels are NaN or infinite; set them to a number first (fslmaths IN -nan OUT)"
        )
    bottom = data.min()
    top = data.max() if percentile is None else np.percentile(data[data != 0], percentile) if data.any() else bottom
    if not top > bottom:
        raise ImageError(f"the image is blank: its intensities end at {top:g} and begin at {bottom:g}")
    if float(top) - float(bottom) > float(np.finfo(np.float32).max):
        raise ImageError(f"intensities from {bottom:g} to {top:g} span too much; rescale the image")
    scaled = data - bottom
    scaled /= np.float32(top - bottom)
    return Volume(np.clip(scaled, 0, 1, out=scaled), t1.grid)


def is_isotropic_1mm(grid: Grid) -> bool:
    """Whether each voxel size is within 0.01 mm of 1 mm."""
    return bool(np.all(np.abs(grid.voxel_size_mm - 1) <= ISOTROPIC_1MM_TOLERANCE))


def conform(volume: Volume, fov: int) -> Volume:
    """Put an image into the network's box: axes along RAS, 1 mm voxels, ``fov`` voxels a side.

    Parameters
    ----------
    volume : Volume
        One frame, any orientation and voxel size.
    fov : int
        Edge of the box in mm; it lies about the centre of the image, which is padded with 0 or cut.

    Returns
    -------
    Volume
        float32, shape (fov, fov, fov). Oblique axes stay oblique: each keeps its own direction
        and is only named after the nearest anatomical one.
    """
    return fit_box(resize(reorient_ras(volume), np.ones(3)), fov)


def reorient_ras(volume: Volume) -> Volume:
    """Permute and flip the axes so that they grow to the right, front and top; no value changes."""
    grid, order = volume.grid, ras_order(volume.grid)
    data, vox2ras = volume.data.transpose(order), grid.vox2ras.copy()
    vox2ras[:, :3] = grid.vox2ras[:, order]
    for axis in range(3):
        if vox2ras[axis, axis] < 0:
            data = np.flip(data, axis)
            vox2ras[:3, 3] += vox2ras[:3, axis] * (data.shape[axis] - 1)
            vox2ras[:3, axis] *= -1
    return Volume(data, grid.derived(data.shape, vox2ras, grid.voxel_size_mm[order]))


def ras_order(grid: Grid) -> list[int]:
    """Which axes of a grid run left-right, front-back and top-bottom."""
    nearest = [int(np.argmax(np.abs(grid.vox2ras[:3, axis]))) for axis in range(3)]
    if sorted(nearest) != [0, 1, 2]:  # two axes lean to one direction: 45 degrees oblique
        nearest = [_ras_axis(grid, axis) for axis in range(3)]
    return [nearest.index(axis) for axis in range(3)]


def _ras_axis(grid: Grid, axis: int) -> int:
    """0, 1 or 2 for the direction that the whole matrix gives an axis."""
    letter = grid.orientation[axis]
    return next(i for i, pair in enumerate(("LR", "PA", "IS")) if letter in pair)


def resize(volume: Volume, voxel_size_mm: NDArray[np.float64]) -> Volume:
    """Resample to other voxel sizes about the same centre, linearly; outside the image is 0.

    Parameters
    ----------
    volume : Volume
        float32; three axes, or four with frames last.
    voxel_size_mm : ndarray, shape (3,)
        New edge lengths, mm, in the order of the volume's axes.
    """
    grid = volume.grid
    if np.allclose(grid.voxel_size_mm, voxel_size_mm, atol=SAME_SIZE_MM, rtol=0):
        return volume
    shape = np.ceil(grid.voxel_size_mm * grid.shape / voxel_size_mm).astype(int)
    vox2ras = np.eye(4)
    vox2ras[:3, :3] = _directions(grid) * voxel_size_mm
    vox2ras[:3, 3] = grid.center_ras - vox2ras[:3, :3] @ (shape / 2)
    target = grid.derived(tuple(shape), vox2ras, voxel_size_mm)
    return Volume(_sample(volume, target, "linear"), target)


def fit_box(volume: Volume, fov: int) -> Volume:
    """Pad with 0 or cut each axis to ``fov`` voxels about the centre; no value is resampled."""
    shape = np.array(volume.grid.shape)
    # Where the image's first voxel comes to lie; of an odd difference the smaller half goes before it.
    offset = np.trunc((fov - shape) / 2).astype(int)
    box = np.zeros((fov, fov, fov), np.float32)
    inside = tuple(slice(max(o, 0), min(o + n, fov)) for o, n in zip(offset, shape, strict=True))
    taken = tuple(slice(max(-o, 0), min(fov - o, n)) for o, n in zip(offset, shape, strict=True))
    box[inside] = volume.data[taken]
    return Volume(box, shift_grid(volume.grid, -offset, box.shape))


def shift_grid(grid: Grid, start: NDArray[np.int_] | tuple[int, ...], shape: tuple[int, ...]) -> Grid:
    """The grid of a box of ``shape`` voxels that begins at voxel ``start`` of another grid."""
    vox2ras = grid.vox2ras.copy()
    vox2ras[:3, 3] = (grid.vox2ras @ [*start, 1])[:3]
    return grid.derived(shape[:3], vox2ras, grid.voxel_size_mm)


def resample_nearest(labels: Volume, grid: Grid) -> Volume:
    """Bring a label image to another grid by the nearest voxel; outside it is 0.

    Parameters
    ----------
    labels : Volume
        int32, three axes.
    grid : Grid
        The grid of the result.
    """
    return Volume(_sample(labels, grid, "nearest"), grid)


def resample_linear(volume: Volume, grid: Grid) -> Volume:
    """Bring float32 frames (axis 3) to another grid linearly; outside they are 0.

    Parameters
    ----------
    volume : Volume
        float32; three axes, or four with frames last.
    grid : Grid
        The grid of the result.
    """
    return Volume(_sample(volume, grid, "linear"), grid)


def _directions(grid: Grid) -> NDArray[np.float64]:
    """Unit directions of the axes, made orthogonal as FreeSurfer does it where a matrix shears."""
    q, r = np.linalg.qr(grid.vox2ras[:3, :3])
    return q * np.sign(np.diag(r))  # type: ignore[no-any-return]


def _sample(volume: Volume, target: Grid, method: str) -> NDArray[np.float32] | NDArray[np.int32]:
    framed = volume.data if volume.data.ndim == 4 else volume.data[..., np.newaxis]
    target_to_source = np.linalg.inv(volume.grid.vox2ras) @ target.vox2ras
    # Voxels that coincide must not miss each other by a rounding error: surfa takes -1e-16 for outside.
    if np.allclose(target_to_source, np.rint(target_to_source), atol=SAME_SIZE_MM, rtol=0):
        target_to_source = np.rint(target_to_source)
    sampled = interpolate(
        source=np.ascontiguousarray(framed), target_shape=target.shape, method=method, affine=target_to_source, fill=0
    )
    return sampled if volume.data.ndim == 4 else sampled[..., 0]  # type: ignore[no-any-return]

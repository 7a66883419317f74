"""Bring a head to the network's box, and posteriors and labels back to the image.

surfa samples, so that the numbers are FreeSurfer's. The geometry is our own: surfa's fails with current NumPy
(permuted axes, bounding boxes), and a grid here is a value.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .box import Box, moved_corners, three
from .grid import Grid, Volume
from .intensity import IntensityRange, intensity_range
from .interpolation import interpolate

SAME_SIZE_TOLERANCE_MM = 1e-5
"""FreeSurfer's: voxels that differ by less have the same size."""
ISOTROPIC_1MM_TOLERANCE_MM = 0.01


def is_isotropic_1mm(grid: Grid) -> bool:
    """Whether each voxel size is within 0.01 mm of 1 mm."""
    return bool(np.all(np.abs(grid.voxel_size_mm - 1) <= ISOTROPIC_1MM_TOLERANCE_MM))


@dataclass(frozen=True, eq=False)
class Conformed:
    """A head on the network's voxels: axes along RAS, 1 mm, intensities from 0 to 1.

    Voxels are counted from the first one of the network's box, whose centre is that of the image. They also exist
    beyond the box. `block` makes those that are asked for; most are never needed.
    """

    t1: Volume
    """The image with its axes along RAS, as it was read."""
    intensities: IntensityRange
    grid: Grid
    """The network's box."""
    image: Box
    """Where the image lies, in voxels of 1 mm."""
    size_tolerance_voxels: float = 0.0
    """See `conform`."""

    @property
    def box(self) -> Box:
        """The network's box."""
        return Box.of_shape(self.grid.shape)

    @property
    def goes_on(self) -> NDArray[np.bool_]:
        """Along which axes the image extends beyond the network's box, by more than a rounded voxel."""
        return (np.array(self.image.low) < -1) | (np.array(self.image.high) > np.array(self.box.high) + 1)

    def block(self, box: Box) -> Volume:
        """The voxels of a box, float32; 0 outside the image."""
        block = np.zeros(box.shape, np.float32)
        inside = box.clipped(self.image)
        if inside.voxels:
            block[inside.seen_from(box).slices] = self._sample(inside.seen_from(self.image))
        return Volume(block, shift_grid(self.grid, box.low, box.shape))

    def _sample(self, box: Box) -> NDArray[np.float32]:
        """A box of the resized image."""
        resized = _resized(self.t1.grid, np.ones(3), self.size_tolerance_voxels)
        if resized is self.t1.grid:
            return self.intensities.scale(self.t1.data[box.slices])
        # Only the part that is sampled is scaled; untouched zeros take no memory.
        low, high = moved_corners(np.linalg.inv(self.t1.grid.vox2ras) @ resized.vox2ras, box.low, box.high)
        source = Box(three(np.floor(low) - 1), three(np.ceil(high) + 2))
        source = source.clipped(Box.of_shape(self.t1.grid.shape))
        scaled = np.zeros(self.t1.grid.shape, np.float32)
        scaled[source.slices] = self.intensities.scale(self.t1.data[source.slices])
        return _sample(Volume(scaled, self.t1.grid), resized, "linear", box)  # type: ignore[return-value]


def conform(
    t1: Volume,
    fov: int,
    percentile: float | None = None,
    low_percentile: float | None = None,
    size_tolerance_voxels: float = 0.0,
) -> Conformed:
    """Lay the network's voxels over an image.

    Parameters
    ----------
    t1 : Volume
        One frame of any real type, any orientation and voxel size. Oblique axes stay oblique: each keeps its own
        direction and is only named after the nearest anatomical one.
    fov : int
        Edge of the network's box in mm; it lies about the centre of the image.
    percentile, low_percentile : float, optional
        See `intensity_range`.
    size_tolerance_voxels : float
        An image so much larger than a whole number of voxels has that number. By default it has one more, as in the
        published tool: a voxel size of 0.85937501 mm in place of 0.859375 then moves all voxels by half of one.

    Returns
    -------
    Conformed

    Raises
    ------
    ImageError
        If a voxel is not finite, or all have one value.
    """
    intensities = intensity_range(t1.data, percentile, low_percentile)
    upright = reorient_ras(t1)
    resized = _resized(upright.grid, np.ones(3), size_tolerance_voxels)
    # Voxel of the image's first voxel in the box; of an odd difference the smaller half lies before it.
    offset = np.trunc((fov - np.array(resized.shape)) / 2).astype(int)
    box = shift_grid(resized, -offset, (fov, fov, fov))
    return Conformed(upright, intensities, box, Box.of_shape(resized.shape).moved(offset), size_tolerance_voxels)


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
        nearest = ["LRPAIS".index(letter) // 2 for letter in grid.orientation]
    return [nearest.index(axis) for axis in range(3)]


def resize(volume: Volume, voxel_size_mm: NDArray[np.float64], size_tolerance_voxels: float = 0.0) -> Volume:
    """Resample to other voxel sizes about the same centre, linearly; outside the image is 0.

    Parameters
    ----------
    volume : Volume
        float32; three axes, or four with frames last.
    voxel_size_mm : ndarray, shape (3,)
        New edge lengths, mm, in the order of the volume's axes.
    size_tolerance_voxels : float
        See `conform`.

    Returns
    -------
    Volume
        The same object where the voxels have that size already.
    """
    target = _resized(volume.grid, voxel_size_mm, size_tolerance_voxels)
    return volume if target is volume.grid else Volume(_sample(volume, target, "linear"), target)


def _resized(grid: Grid, voxel_size_mm: NDArray[np.float64], size_tolerance_voxels: float) -> Grid:
    """The grid of other voxel sizes about the same centre; the same object where the sizes are those already."""
    if np.allclose(grid.voxel_size_mm, voxel_size_mm, atol=SAME_SIZE_TOLERANCE_MM, rtol=0):
        return grid
    shape = np.ceil(grid.voxel_size_mm * grid.shape / voxel_size_mm - size_tolerance_voxels).astype(int)
    vox2ras = np.eye(4)
    vox2ras[:3, :3] = _directions(grid) * voxel_size_mm
    vox2ras[:3, 3] = grid.center_ras - vox2ras[:3, :3] @ (shape / 2)
    return grid.derived(tuple(shape), vox2ras, voxel_size_mm)


def shift_grid(grid: Grid, start: NDArray[np.int_] | tuple[int, ...], shape: tuple[int, ...]) -> Grid:
    """The grid of a box that begins at some voxel of another grid.

    Parameters
    ----------
    grid : Grid
    start : three int
        Voxel of ``grid`` that becomes the first one.
    shape : tuple of 3 int
        Voxels of the box along each axis.

    Returns
    -------
    Grid
    """
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

    Returns
    -------
    Volume
        int32.
    """
    # The labels fill a small part of a head; only that part is sampled.
    low, high = moved_corners(np.linalg.inv(grid.vox2ras) @ labels.grid.vox2ras, (-1, -1, -1), labels.grid.shape)
    part = Box(three(np.floor(low)), three(np.ceil(high) + 1)).clipped(Box.of_shape(grid.shape))
    resampled = np.zeros(grid.shape, np.int32, order="F")  # the order of files
    if part.voxels:
        resampled[part.slices] = _sample(labels, grid, "nearest", part)
    return Volume(resampled, grid)


def resample_linear(volume: Volume, grid: Grid) -> Volume:
    """Bring float32 frames (axis 3) to another grid linearly; outside they are 0.

    Parameters
    ----------
    volume : Volume
        float32; three axes, or four with frames last.
    grid : Grid
        The grid of the result.

    Returns
    -------
    Volume
        float32.
    """
    return Volume(_sample(volume, grid, "linear"), grid)


def _directions(grid: Grid) -> NDArray[np.float64]:
    """Unit directions of the axes, made orthogonal as FreeSurfer does it where a matrix shears."""
    q, r = np.linalg.qr(grid.vox2ras[:3, :3])
    return q * np.sign(np.diag(r))  # type: ignore[no-any-return]


def _sample(
    volume: Volume, target: Grid, method: str, part: Box | None = None
) -> NDArray[np.float32] | NDArray[np.int32]:
    """Values at the voxels of a grid, or of a box of it; both ways give the same bits."""
    framed = volume.data if volume.data.ndim == 4 else volume.data[..., np.newaxis]
    target_to_source = np.linalg.inv(volume.grid.vox2ras) @ target.vox2ras
    # Voxels that coincide must do so exactly: for surfa -1e-16 is outside.
    if np.allclose(target_to_source, np.rint(target_to_source), atol=SAME_SIZE_TOLERANCE_MM, rtol=0):
        target_to_source = np.rint(target_to_source)
    shape, from_start = target.shape, None
    if part is not None:
        # A displacement, not part of the matrix: that would change the matrix's float32 rounding, and ties with it.
        shape = part.shape
        from_start = np.empty((*shape, 3), np.float32)
        from_start[:] = part.low
    sampled = interpolate(
        source=np.ascontiguousarray(framed),
        target_shape=shape,
        method=method,
        affine=target_to_source,
        disp=from_start,
        fill=0,
    )
    return sampled if volume.data.ndim == 4 else sampled[..., 0]  # type: ignore[no-any-return]

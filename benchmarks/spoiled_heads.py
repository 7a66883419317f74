"""Ways to spoil a head, as accidents of scanners, pipelines and people do; for ``quality_flags.py``."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fs_sclimbic import Volume
from fs_sclimbic.image.volume import Grid

Spoil = Callable[[Volume, Volume], Volume]
"""Makes a spoiled image of a T1 and its labels, both on one grid."""

ACCUMBENS, FORNIX, FOREBRAIN = {"left": 26, "right": 58}, {"left": 821, "right": 822}, {"left": 865, "right": 866}


def painted_out(segids: int | tuple[int, ...], margin_mm: float = 3.0) -> Spoil:
    """Fill structures and their surroundings with what lies around them: white matter, without an edge."""

    def spoil(t1: Volume, labels: Volume) -> Volume:
        size = t1.grid.voxel_size_mm
        distance = ndimage.distance_transform_edt(~np.isin(labels.data, segids), sampling=size)
        data = np.asarray(t1.data, np.float32)
        around = data[(distance > margin_mm) & (distance < margin_mm + 4) & (data > 0)]
        level, noise = np.percentile(around, 75), 0.03 * np.percentile(around, 75)
        weight = np.clip(margin_mm + 1 - distance, 0, 1)
        fill = level + noise * np.random.default_rng(1).standard_normal(data.shape)
        return Volume((data * (1 - weight) + fill * weight).astype(np.float32), t1.grid)

    return spoil


def hole(segid: int, radius_mm: float) -> Spoil:
    """A ball of fluid at the middle of a structure, as an old lesion or a large ventricle."""

    def spoil(t1: Volume, labels: Volume) -> Volume:
        data = np.asarray(t1.data, np.float32)
        voxels = np.argwhere(labels.data == segid)
        middle = voxels[np.linalg.norm((voxels - voxels.mean(0)) * t1.grid.voxel_size_mm, axis=1).argmin()]
        distance = np.linalg.norm(
            (np.moveaxis(np.indices(data.shape), 0, -1) - middle) * t1.grid.voxel_size_mm, axis=-1
        )
        near = data[(distance < 2 * radius_mm + 10) & (data > 0)]
        fluid = np.percentile(near, 1)
        weight = np.clip(radius_mm + 0.5 - distance, 0, 1)
        return Volume((data * (1 - weight) + fluid * weight).astype(np.float32), t1.grid)

    return spoil


def one_voxel(times_the_top: float) -> Spoil:
    """One voxel of another value, in multiples of the 99.9th percentile; negative: a cold one."""

    def spoil(t1: Volume, _: Volume) -> Volume:
        data = np.asarray(t1.data, np.float32).copy()
        data[tuple(n // 5 for n in data.shape)] = times_the_top * np.percentile(data[data > 0], 99.9)
        return Volume(data, t1.grid)

    return spoil


def padded(t1: Volume, _: Volume) -> Volume:
    """A border of a large negative value, as scanners write around what they did not see."""
    data = np.asarray(t1.data, np.float32).copy()
    data[:6] = data[-6:] = -np.percentile(data[data > 0], 99.9)
    return Volume(data, t1.grid)


def saturated(t1: Volume, _: Volume) -> Volume:
    """White matter clipped to one value."""
    data = np.asarray(t1.data, np.float32)
    return Volume(np.minimum(data, np.percentile(data[data > 0], 70)), t1.grid)


def thick_slices(axis: int, slice_mm: float) -> Spoil:
    """Slices of some mm along one axis."""

    def spoil(t1: Volume, _: Volume) -> Volume:
        step = max(round(slice_mm / t1.grid.voxel_size_mm[axis]), 1)
        data = np.moveaxis(np.asarray(t1.data, np.float32), axis, 0)
        count = len(data) // step
        thick = np.moveaxis(data[: count * step].reshape(count, step, *data.shape[1:]).mean(1), 0, axis)
        vox2ras = t1.grid.vox2ras.copy()
        vox2ras[:3, 3] += vox2ras[:3, axis] * (step - 1) / 2
        vox2ras[:3, axis] *= step
        return Volume(np.ascontiguousarray(thick), Grid(thick.shape, vox2ras))

    return spoil


def half_blank(t1: Volume, labels: Volume) -> Volume:
    """The right half of the head is blank."""
    data = np.asarray(t1.data, np.float32).copy()
    data[_right_of_middle(labels)] = 0
    return Volume(data, t1.grid)


def half_image(t1: Volume, labels: Volume) -> Volume:
    """The field of view ends at the middle of the head, along the first axis."""
    middle = int(np.argwhere(labels.data > 0)[:, 0].mean()) + 3
    return _cropped(t1, 0, 0, middle)


def cut_below(t1: Volume, labels: Volume) -> Volume:
    """The field of view ends amid the structures, from below."""
    axis, sign = _axis_of(t1.grid, 2)
    where = np.argwhere(labels.data > 0)[:, axis]
    middle = int(np.percentile(where, 25))
    return _cropped(t1, axis, middle, t1.data.shape[axis]) if sign > 0 else _cropped(t1, axis, 0, middle)


def noisy(share_of_white: float) -> Spoil:
    """Rician noise of some share of the brightest tissue."""

    def spoil(t1: Volume, _: Volume) -> Volume:
        data = np.asarray(t1.data, np.float32)
        sd = share_of_white * np.percentile(data[data > 0], 95)
        rng = np.random.default_rng(2)
        real, imaginary = (sd * rng.standard_normal(data.shape, np.float32) for _ in range(2))
        return Volume(np.hypot(data + real, imaginary).astype(np.float32), t1.grid)

    return spoil


def flipped(t1: Volume, _: Volume) -> Volume:
    """The header says left where right is, in both of its forms: nothing in the file contradicts it."""
    return Volume(np.ascontiguousarray(np.flip(t1.data, _axis_of(t1.grid, 0)[0])), t1.grid)


def contradictory(t1: Volume, _: Volume) -> Volume:
    """The sform says left where the qform says right."""
    mirror = np.diag([-1.0, 1, 1, 1])
    return Volume(t1.data, replace(t1.grid, vox2ras=mirror @ t1.grid.vox2ras, qform2ras=t1.grid.vox2ras))


def inverted(t1: Volume, _: Volume) -> Volume:
    """The contrast of a T2: fluid bright, white matter dark, no signal outside the head."""
    data = np.asarray(t1.data, np.float32)
    top = np.percentile(data[data > 0], 99)
    head = ndimage.binary_closing(ndimage.gaussian_filter(data, 1.5) > 0.12 * top, iterations=3)
    return Volume((np.clip(1.15 * top - data, 0, None) * head).astype(np.float32), t1.grid)


def tissue_labels(t1: Volume, labels: Volume) -> Volume:
    """A segmentation into tissues and the structures, numbered as in aseg.mgz."""
    smooth = ndimage.gaussian_filter(np.asarray(t1.data, np.float32), 1)
    inside = smooth[smooth > 0.05 * smooth.max()]
    edges = [0.05 * smooth.max(), *np.percentile(inside, [25, 60])]
    tissue = np.array([0, 24, 3, 2], np.int16)[np.digitize(smooth, edges)]
    return Volume(np.where(labels.data > 0, 10 + labels.data % 20, tissue).astype(np.int16), t1.grid)


def moved_in_field(shift_mm: float) -> Spoil:
    """The whole head lies off the middle of a larger field of view."""

    def spoil(t1: Volume, _: Volume) -> Volume:
        axis, _sign = _axis_of(t1.grid, 2)
        extra = int(2 * shift_mm / t1.grid.voxel_size_mm[axis])
        data = np.pad(np.asarray(t1.data), [(0, extra if i == axis else 0) for i in range(3)])
        return Volume(data, Grid(data.shape, t1.grid.vox2ras))

    return spoil


def half_size(t1: Volume, _: Volume) -> Volume:
    """The header gives half of each voxel's edges."""
    vox2ras = t1.grid.vox2ras.copy()
    vox2ras[:3, :3] /= 2
    return Volume(t1.data, Grid(t1.data.shape, vox2ras))


def blurred(t1: Volume, _: Volume) -> Volume:
    """Moved during the scan: smeared and with ghosts along one axis."""
    axis, _sign = _axis_of(t1.grid, 1)
    data = ndimage.gaussian_filter(np.asarray(t1.data, np.float32), 1.5 / t1.grid.voxel_size_mm)
    ghosts = sum(0.2 * np.roll(data, shift, axis) for shift in (-18, 18))
    return Volume((data + ghosts).astype(np.float32), t1.grid)


def _right_of_middle(labels: Volume) -> NDArray[np.bool_]:
    voxels = np.argwhere(labels.data > 0)
    middle = (voxels @ labels.grid.vox2ras[:3, :3].T + labels.grid.vox2ras[:3, 3]).mean(0)
    axes = [labels.grid.vox2ras[0, axis] * np.arange(n) for axis, n in enumerate(labels.data.shape)]
    x = axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :] + labels.grid.vox2ras[0, 3]
    return np.asarray(x > middle[0])


def _axis_of(grid: Grid, ras_axis: int) -> tuple[int, float]:
    """The voxel axis nearest to a scanner axis, and whether it grows the same way."""
    axis = int(np.abs(grid.vox2ras[ras_axis, :3]).argmax())
    return axis, float(np.sign(grid.vox2ras[ras_axis, axis]))


def _cropped(t1: Volume, axis: int, start: int, stop: int) -> Volume:
    data = np.take(np.asarray(t1.data), np.arange(start, stop), axis)
    vox2ras = t1.grid.vox2ras.copy()
    vox2ras[:3, 3] += vox2ras[:3, axis] * start
    return Volume(data, Grid(data.shape, vox2ras))

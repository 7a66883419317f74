"""What the viewer of a page shows of a case: the T1 about the structures, their labels and posteriors, in bytes."""

import base64
import gzip
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ImageError
from ...image.box import three
from ...image.conform import reorient_ras, resample_linear, resample_nearest, resize, shift_grid
from ...image.grid import Volume
from ...image.labels import ColorTable, Structure
from ...image.nifti import encode_nifti
from ..pictures import WHITE_OVER_PERCENTILE, WINDOW_PERCENTILES

CROP_MARGIN_MM = 15.0
SMALLEST_CROP_MM = 90.0
"""Edge of what is shown at least, also about a structure that was lost."""
MAX_CROP_VOXELS = 850_000
"""A T1 of so many voxels has about 0.9 MB as text. Larger ones are shown with larger voxels."""
GRAY_LEVELS = 128
"""The eye sees no more on a screen, and half the levels take 15 % less room."""
BYTE_MAX = 255
GZIP_LEVEL = 6
LABEL_INTENT = 1002
"""NIfTI's code for labels; the viewer draws outlines of such images only."""
INTENT_OFFSET = 68


@dataclass(frozen=True, eq=False, kw_only=True)
class CaseImages:
    """A case about its structures, axes along RAS, all on one grid."""

    gray: Volume
    """T1, uint8, the window stretched over 0-255; zeros where the T1 is no longer there."""
    labels: Volume
    """uint8: 0 background, n the n-th of ``structures``."""
    posteriors: Volume | None
    """Posterior of the label of each voxel, uint8 (255 is 1); None without posteriors."""
    structures: tuple[Structure, ...]
    centers: tuple[tuple[int, int, int] | None, ...]
    """Middle of each structure, as one of its voxels; None for one without voxels."""
    notes: tuple[str, ...]
    """What the viewer of these images must know, such as that they are coarser than the file."""


def cut_case_images(t1: Volume | None, labels: Volume, posteriors: Volume | None, colors: ColorTable) -> CaseImages:
    """Cut the images of a case to what is shown.

    Parameters
    ----------
    t1 : Volume or None
        None where it is no longer there.
    labels : Volume
        SegIds; on the T1's grid or another one.
    posteriors : Volume or None
        Frames last, the background's first; on any grid.
    colors : ColorTable
        Names and colours of the SegIds; those in the segmentation that it lacks are named by number.

    Returns
    -------
    CaseImages

    Raises
    ------
    ImageError
        If the segmentation has no labels but other values, or too many of them.
    """
    labels = reorient_ras(labels)
    structures, notes = _structures_in(labels, colors), []
    if t1 is None:
        notes.append("the T1 is no longer there: only the labels are shown")
    else:
        t1 = reorient_ras(t1)
        if not t1.grid.matches(labels.grid):
            notes.append("the labels are shown on the voxels of the T1, which are others")
            labels = resample_nearest(Volume(np.asarray(labels.data, np.int32), labels.grid), t1.grid)
    low, shape = _crop_box(labels)
    shown, gray = _cropped(labels, low, shape), None if t1 is None else _cropped(t1, low, shape)
    shown, gray = _limited(shown, gray, notes)
    winning = None if posteriors is None else _winning_posterior(posteriors, shown, notes)
    return CaseImages(
        gray=Volume(np.zeros(shown.grid.shape, np.uint8), shown.grid) if gray is None else _windowed(gray),
        labels=_numbered(shown, structures),
        posteriors=winning,
        structures=structures,
        centers=tuple(_center_voxel(shown, structure.index) for structure in structures),
        notes=tuple(notes),
    )


def _structures_in(labels: Volume, colors: ColorTable) -> tuple[Structure, ...]:
    """The structures of a colour table, and after them labels that it lacks."""
    present = np.unique(np.asarray(labels.data))
    if not np.issubdtype(labels.data.dtype, np.integer) and (present != np.rint(present)).any():
        raise ImageError("expected a segmentation with whole numbers, found others")
    known = {structure.index for structure in colors}
    others = [int(index) for index in present if index > 0 and int(index) not in known]
    structures = (*colors.foreground, *(Structure(index, f"SegId-{index}", (255, 255, 255, 0)) for index in others))
    if len(structures) > BYTE_MAX:
        raise ImageError(f"expected a segmentation of up to {BYTE_MAX} structures, found {len(structures)}")
    return structures


def _winning_posterior(posteriors: Volume, labels: Volume, notes: list[str]) -> Volume | None:
    """Highest posterior of a structure in each voxel of a label."""
    if posteriors.data.ndim != 4:
        notes.append("posteriors are not shown: the file has one frame")
        return None
    best = np.max(posteriors.data[..., 1:], axis=-1).astype(np.float32)
    sampled = resample_linear(Volume(best, posteriors.grid), labels.grid)
    return Volume(_bytes_of(np.where(labels.data > 0, sampled.data, 0)), labels.grid)


def _crop_box(labels: Volume) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """First voxel and shape of what is shown: all labels with a margin, and a least size."""
    where, shape = np.argwhere(np.asarray(labels.data) > 0), np.array(labels.grid.shape)
    size = labels.grid.voxel_size_mm
    low, high = (where.min(0), where.max(0) + 1) if len(where) else (shape // 2, shape // 2 + 1)
    lacking = np.maximum(SMALLEST_CROP_MM - (high - low) * size, 2 * CROP_MARGIN_MM)
    margin = np.ceil(lacking / 2 / size).astype(int)
    low, high = np.maximum(low - margin, 0), np.minimum(high + margin, shape)
    return low, high - low


def _cropped(image: Volume, low: NDArray[np.int_], shape: NDArray[np.int_]) -> Volume:
    part = tuple(slice(a, a + n) for a, n in zip(low, shape, strict=True))
    return Volume(np.asarray(image.data[part]), shift_grid(image.grid, low, tuple(int(n) for n in shape)))


def _limited(labels: Volume, gray: Volume | None, notes: list[str]) -> tuple[Volume, Volume | None]:
    """The same images with larger voxels where there are too many."""
    grid = labels.grid
    voxels = math.prod(grid.shape)
    if voxels <= MAX_CROP_VOXELS:
        return labels, gray
    edge_mm = (voxels * grid.voxel_volume_mm3 / MAX_CROP_VOXELS) ** (1 / 3)
    size = np.maximum(grid.voxel_size_mm, edge_mm)
    notes.append(f"shown with voxels of {' x '.join(f'{mm:.2g}' for mm in size)} mm; the file has smaller ones")
    resized = resize(Volume(np.asarray((gray or labels).data, np.float32), grid), size)
    coarse = resample_nearest(Volume(np.asarray(labels.data, np.int32), grid), resized.grid)
    return coarse, resized if gray else None


def _windowed(gray: Volume) -> Volume:
    """Intensities over 0-255, in few levels."""
    data = np.nan_to_num(np.asarray(gray.data, np.float32))
    bottom, top = np.percentile(data, WINDOW_PERCENTILES)
    top = bottom + WHITE_OVER_PERCENTILE * (top - bottom)  # as in the picture of the case
    scaled = np.clip((data - bottom) / max(top - bottom, np.finfo(np.float32).tiny), 0, 1)
    levels = np.rint(scaled * (GRAY_LEVELS - 1)) * (BYTE_MAX / (GRAY_LEVELS - 1))
    return Volume(levels.astype(np.uint8), gray.grid)


def _bytes_of(posterior: NDArray[Any]) -> NDArray[np.uint8]:
    scaled: NDArray[np.uint8] = np.rint(np.clip(np.nan_to_num(posterior), 0, 1) * BYTE_MAX).astype(np.uint8)
    return scaled


def _numbered(labels: Volume, structures: Sequence[Structure]) -> Volume:
    """Labels as numbers of structures from 1."""
    numbered = np.zeros(labels.grid.shape, np.uint8)
    for number, structure in enumerate(structures, 1):
        numbered[labels.data == structure.index] = number
    return Volume(numbered, labels.grid)


def _center_voxel(labels: Volume, index: int) -> tuple[int, int, int] | None:
    where = np.argwhere(np.asarray(labels.data) == index)
    if not len(where):
        return None
    return three(where[np.argmin(((where - where.mean(0)) ** 2).sum(1))])


def encode_image(image: Volume, *, labels: bool = False) -> str:
    """An image as compressed NIfTI in base64, for a script.

    Parameters
    ----------
    image : Volume
        uint8.
    labels : bool
        Say in the header that its values are labels.

    Returns
    -------
    str
    """
    content = bytearray(encode_nifti(image, "image.nii", None).to_bytes())
    if labels:
        content[INTENT_OFFSET : INTENT_OFFSET + 2] = LABEL_INTENT.to_bytes(2, "little")
    return base64.b64encode(gzip.compress(bytes(content), GZIP_LEVEL, mtime=0)).decode("ascii")

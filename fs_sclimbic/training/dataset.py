"""Heads to learn from: images with label maps or posteriors, brought to the network's box."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError, TableError, UsageError, naming
from ..files.arrays import read_arrays
from ..files.content import ContentError
from ..image.box import moved_corners
from ..image.conform import conform, resample_linear, shift_grid
from ..image.labels import ColorTable
from ..image.volume import IMAGE_SUFFIXES, Grid, Volume, image_suffix, read_volume

TRAIN, VALIDATE = "train", "validate"
PREPARED_SUFFIX = ".npz"
COLUMNS = ("case", "image", "targets", "split", "weight")
# How 1 is stored in images and posteriors of uint8.
UINT8_ONE = 255
LABEL_MARGIN_VOXELS = 2
TISSUE_PERCENTILE = 99.0
# A posterior below this is 0 in the targets.
MIN_POSTERIOR = 0.5 / UINT8_ONE


@dataclass(frozen=True)
class HeadFiles:
    """One row of a training list: where a head and its targets lie."""

    name: str
    """Name of the case."""
    image: Path
    """The T1, or a prepared head (.npz)."""
    targets: Path | None
    """Label map or posteriors; None for a prepared head, which holds its own."""
    split: str
    """``train`` or ``validate``; anything else is left out."""
    weight: float = 1.0
    """How often the head is drawn, relative to others."""
    notes: tuple[tuple[str, str], ...] = ()
    """Further columns of the list (origin, licence ...), name and text; kept in the model's record."""


@dataclass(frozen=True, eq=False)
class Example:
    """One head, ready to be drawn from."""

    name: str
    image: NDArray[np.uint8]
    """(fov, fov, fov), 1 mm, RAS; 255 is the image's maximum."""
    targets: NDArray[np.uint8]
    """(x, y, z, labels): posteriors, 255 is 1, in a box around the structures; outside it all is background."""
    start: tuple[int, int, int]
    """First voxel of that box in the image."""
    middle: NDArray[np.float64]
    """Centre of the structures, voxels of the image."""
    tissue: float
    """Intensity (0-1) of the brightest tissue: a high percentile around the structures."""
    weight: float = 1.0
    """How often the head is drawn, relative to others."""

    @property
    def digest(self) -> str:
        """SHA-256 of all that training sees of the head, hexadecimal."""
        digest = hashlib.sha256(repr((self.targets.shape, self.start)).encode())
        digest.update(self.image.tobytes())
        digest.update(self.targets.tobytes())
        return digest.hexdigest()

    @property
    def reach(self) -> NDArray[np.float64]:
        """How far the structures lie from their centre along each axis, voxels."""
        first = np.array(self.start)
        last = first + self.targets.shape[:3] - 1
        reach: NDArray[np.float64] = np.maximum(self.middle - first, last - self.middle)
        return reach

    @property
    def has_structures(self) -> list[bool]:
        """For each structure of the table: whether the targets make it the likeliest label anywhere."""
        found = np.bincount(self.targets.argmax(-1).ravel(), minlength=self.targets.shape[3])
        return [bool(count) for count in found[1:]]


def read_list(path: str | PathLike[str], root: str | PathLike[str] | None = None) -> list[HeadFiles]:
    """Read a training list.

    Parameters
    ----------
    path : path-like
        Tab-separated, first line names the columns: ``case image targets``, and if wanted ``split`` (``train``,
        ``validate``, anything else is left out) and ``weight``. A prepared head (.npz) needs no ``targets``.
        Further columns are kept for the model's record; a ``sha256`` is compared with the files.
    root : path-like, optional
        Folder that relative paths start from; by default the list's own.

    Returns
    -------
    list of HeadFiles

    Raises
    ------
    TableError
        If columns are missing, a weight is not a number, or a case comes twice; with the line.
    """
    home = Path(root) if root is not None else Path(path).parent
    try:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: training list cannot be read ({error})") from error
    if not rows or not {"case", "image"} <= set(rows[0]):
        raise TableError(
            f"{path}: expected a tab-separated table with columns case, image, targets, found "
            f"{', '.join(rows[0]) if rows else 'nothing'}"
        )
    sources: list[HeadFiles] = []
    for number, row in enumerate(rows, 2):
        image, targets = row["image"] or "", row.get("targets") or ""
        try:
            weight = float(row.get("weight") or 1)
        except ValueError:
            weight = -1
        if not row["case"] or not image or (not targets and not image.endswith(PREPARED_SUFFIX)) or not weight > 0:
            raise TableError(f"{path}:{number}: expected case, image and targets (and a weight above 0), found {row}")
        if any(source.name == row["case"] for source in sources):
            raise TableError(f"{path}:{number}: case {row['case']} comes twice")
        split = (row.get("split") or TRAIN).strip().lower()
        if split.startswith(("train", "val")) and split not in (TRAIN, VALIDATE):
            raise TableError(f"{path}:{number}: split '{row['split']}'; write {TRAIN} or {VALIDATE}")
        notes = tuple((name, text) for name, text in row.items() if name not in COLUMNS and isinstance(text, str))
        sources.append(
            HeadFiles(
                row["case"],
                home / image,
                home / targets if targets else None,
                split,
                weight,
                notes,
            )
        )
    return sources


def pair_folders(images: str | PathLike[str], labels: str | PathLike[str]) -> list[HeadFiles]:
    """Pair the images of one folder with the label maps of the same names in another.

    Parameters
    ----------
    images, labels : path-like
        The two folders.

    Returns
    -------
    list of HeadFiles
        All to learn from.

    Raises
    ------
    UsageError
        If a folder is missing or empty, or a file has no partner; the message names them.
    """
    found = []
    for folder in (images, labels):
        if not Path(folder).is_dir():
            raise UsageError(f"{folder}: no such folder")
        files = sorted(path for path in Path(folder).iterdir() if image_suffix(path))
        found.append({path.name.removesuffix(image_suffix(path) or ""): path for path in files})
        if not files:
            raise UsageError(f"{folder}: no image ({', '.join(IMAGE_SUFFIXES)}) in it")
    alone = []
    for folder, mine, others in ((images, found[0], found[1]), (labels, found[1], found[0])):
        if names := sorted(mine.keys() - others.keys()):
            alone.append(f"{', '.join(names[:5])}{f' ... ({len(names)})' if len(names) > 5 else ''} only in {folder}")
    if alone:
        raise UsageError(
            f"images and labels are paired by their names: {'; '.join(alone)}; rename or link them, or give --data TSV"
        )
    return [HeadFiles(name, path, found[1][name], TRAIN) for name, path in found[0].items()]


def hold_out(sources: Sequence[HeadFiles], share: float, seed: int) -> list[HeadFiles]:
    """Mark a share of the heads, at least one, for validation if the list marks none.

    Parameters
    ----------
    sources : sequence of HeadFiles
    share : float
        From 0 to 1.
    seed : int
        Chooses the heads.

    Returns
    -------
    list of HeadFiles
    """
    if any(source.split == VALIDATE for source in sources):
        return list(sources)
    pool = [source.name for source in sources if source.split == TRAIN]
    count = max(1, round(share * len(pool)))
    chosen = set(np.random.default_rng(seed).permutation(pool)[:count])
    return [replace(source, split=VALIDATE) if source.name in chosen else source for source in sources]


def read_example(source: HeadFiles, colors: ColorTable, fov: int, percentile: float | None = None) -> Example:
    """Read one head and its targets.

    Parameters
    ----------
    source : HeadFiles
        Its targets are a label map of the table's SegIds on any grid, or posteriors with one frame a row.
        SegIds that are not in the table count as background.
    colors : ColorTable
    fov : int
        Edge of the network's box, voxels of 1 mm.
    percentile : float, optional
        Top of the intensity range, as in segmentation.

    Returns
    -------
    Example

    Raises
    ------
    ImageError
        If a file cannot be read or holds none of the structures.
    """
    if source.targets is None:
        with naming(source.image):
            image, targets, start = _read_prepared(source.image, len(colors), fov)
    else:
        t1 = read_volume(source.image)
        truth = read_volume(source.targets, frames=True)
        if not (t1.grid.oriented and truth.grid.oriented) and not t1.grid.matches(truth.grid):
            raise ImageError(
                f"{source.targets}: lies on another grid than {source.image}, and one of their headers does not say "
                "how it lies (no qform, sform or goodRASFlag); save both on one grid"
            )
        with naming(source.image):
            lattice = conform(t1, fov, percentile)
            conformed = lattice.block(lattice.box)
        image = np.rint(conformed.data * UINT8_ONE).astype(np.uint8)
        with naming(source.targets):
            targets, start = _to_targets(truth, colors, conformed.grid)
    foreground = np.argwhere(targets.argmax(-1) > 0)
    if not len(foreground):
        raise ImageError(f"{source.targets or source.image}: holds no voxel of a structure of the colour table")
    box = tuple(slice(first, first + n) for first, n in zip(start, targets.shape[:3], strict=True))
    tissue = float(np.percentile(image[box], TISSUE_PERCENTILE)) / UINT8_ONE
    return Example(source.name, image, targets, start, foreground.mean(0) + start, tissue, source.weight)


def _read_prepared(
    path: Path, labels: int, fov: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], tuple[int, int, int]]:
    try:
        file = read_arrays(path, noun="prepared head")
        image, targets, start = file.read("t1"), file.read("posteriors"), file.read("box")
    except ContentError as error:
        raise ImageError(f"not a prepared head: an .npz with t1, posteriors and box ({error})") from error
    if image.shape != (fov,) * 3 or targets.ndim != 4 or targets.shape[3] != labels:
        raise ImageError(
            f"t1 {image.shape} and posteriors {targets.shape} found; expected {(fov,) * 3} and {labels} channels"
        )
    if image.dtype != np.uint8 or targets.dtype != np.uint8:
        raise ImageError(f"t1 is {image.dtype} and posteriors {targets.dtype}; expected uint8, where 255 is 1")
    if start.shape != (3,) or start.dtype.kind not in "iu":
        raise ImageError(f"box is {start.dtype} of shape {start.shape}; expected three whole numbers")
    x, y, z = (int(first) for first in start)
    if any(first < 0 or first + n > fov for first, n in zip((x, y, z), targets.shape, strict=False)):
        raise ImageError(f"posteriors {targets.shape[:3]} from voxel {[x, y, z]} reach beyond the image")
    return image, targets, (x, y, z)


def _to_targets(truth: Volume, colors: ColorTable, grid: Grid) -> tuple[NDArray[np.uint8], tuple[int, int, int]]:
    """Bring labels or posteriors to the voxels of a conformed image, in the smallest box that holds them."""
    labels = len(colors)
    if truth.data.ndim == 4 and truth.data.shape[3] != labels:
        raise ImageError(
            f"{truth.data.shape[3]} frames found, the colour table has {labels} rows (background included)"
        )
    if truth.data.ndim == 4:
        frames = np.asarray(truth.data[..., 1:], np.float32)
        if not (frames.min() >= 0 and frames.max() <= 1 + MIN_POSTERIOR):  # NaN is neither
            raise ImageError(f"posteriors from {frames.min():g} to {frames.max():g} found; expected 0 to 1")
    else:
        if not np.array_equal(truth.data, np.rint(truth.data)):
            raise ImageError("labels are not whole numbers; resample label maps with nearest neighbour")
        frames = np.stack([truth.data == s.index for s in colors.foreground], -1).astype(np.float32)
    where = np.argwhere(frames.max(-1) >= MIN_POSTERIOR)
    if not len(where):
        raise ImageError("holds no voxel of a structure of the colour table")
    first, last = where.min(0), where.max(0)
    lowest, highest = moved_corners(np.linalg.inv(grid.vox2ras) @ truth.grid.vox2ras, first - 1, last + 1)
    low = np.clip(np.floor(lowest).astype(int) - LABEL_MARGIN_VOXELS, 0, None)
    high = np.clip(np.ceil(highest).astype(int) + LABEL_MARGIN_VOXELS + 1, None, grid.shape)
    if (high <= low).any():
        raise ImageError(f"its structures lie outside the {grid.shape[0]} mm box about the centre of the image")
    box = shift_grid(grid, low, tuple(high - low))
    foreground = np.clip(resample_linear(Volume(frames, truth.grid), box).data, 0, 1)
    targets = np.concatenate([np.clip(1 - foreground.sum(-1, keepdims=True), 0, 1), foreground], -1)
    return np.rint(targets * UINT8_ONE).astype(np.uint8), (int(low[0]), int(low[1]), int(low[2]))


def sha256_of_files(source: HeadFiles) -> str:
    """SHA-256 over the image's bytes and then the targets', hexadecimal."""
    digest = hashlib.sha256()
    for path in (source.image, source.targets):
        if path is not None:
            digest.update(path.read_bytes())
    return digest.hexdigest()

"""Make further heads to learn from: stripped brains inside the heads of others, and whole heads stripped.

    python benchmarks/make_training_heads.py HEADS docs/default_model.tsv OUT
    python benchmarks/make_training_heads.py HEADS docs/default_model.tsv OUT --picture made.png --per-brain 2

HEADS is the folder of prepared heads (.npz) of the training list. Only its rows to learn from are used. OUT gets a
prepared head for each pair of a stripped brain and a whole head, one for each whole head stripped, and ``heads.tsv``,
their training list; add its rows to the list that ``fs_sclimbic train`` gets. A made head has the weight of its brain:
lower it, or many made heads leave the others little. The published network labels the made heads; it must be
installed, or FREESURFER_HOME set.

Both heads of a pair are registered to the average head, as for eTIV. Skull, face and neck come to the grid of the
stripped brain, and are moved by some mm so that they lie around it as they lay around their own brain. Fluid fills
the space between. The brain's voxels stay as they are, up to a common factor.

A made head is dropped where the network finds much less or much more of a structure than in the original brain.
"""

import argparse
import csv
import sys
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from fs_sclimbic import load_model
from fs_sclimbic.files.resources import data_file
from fs_sclimbic.image.box import Box, three
from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.registration.average import read_average
from fs_sclimbic.registration.level import sample, voxel_points
from fs_sclimbic.registration.talairach import register

NAMES = [structure.name for structure in read_ctab().foreground]
COLUMNS = ("case", "image", "split", "weight", "origin", "licence", "head")
LIST = "heads.tsv"
VOLUME_RATIO_RANGE = (0.6, 1.6)
"""Of a structure in a made head over the original one."""
LABEL_MARGIN_VOXELS = 8
"""Around the original structures, where the made head is labelled."""
FOV_MULTIPLE = 4
MIN_POSTERIOR = 0.5 / 255

CLOSING_MM = 6.0
"""Sulci narrower than twice this belong to the inside of the skull."""
CORE_PROBABILITY = 0.98
"""Of brain in the average head: voxels that tell how bright a brain is."""
TISSUE_PERCENTILE = 75.0
"""Of the core: between grey and white matter, nearer to white."""
FIELD_SIGMA_MM = 15.0
"""The bias field is smooth to about this, when a brain is taken out of its head."""
TISSUE_RANGE = (0.45, 1.4)
"""Brain tissue over the tissue's local brightness."""
BRAIN_PROBABILITY = 0.1
"""A head's brain is sought where the average head has brain with at least this probability."""
NECK_MM = 3.0
"""Bridges between brain and scalp up to this radius are cut."""
KEPT_AROUND_LABELS_MM = 4.0
FLUID_MM = (1.0, 2.5)
"""Fluid around the brain: only fluid up to the first distance, only the other head from the second."""
FLUID_PERCENTILE = 25.0
"""Of the head's intensities just around its own brain."""
MAX_FLUID = 0.35
"""Over the tissue's brightness."""
FLUID_NOISE = 0.1
"""Standard deviation over the fluid's brightness."""
MAX_MOVE_MM = 10.0
MOVE_SIGMA_MM, MOVE_REACH_MM = 4.0, 30.0
"""How smoothly the skull is moved, and how far from the brain the move fades out."""
EDGE_SIGMA_MM = 0.6
MIN_SEEN_FRACTION = 0.93
"""Of the brain, in the field of view of the other head."""
BRIGHTEST_PERCENTILE = 99.95
"""Becomes 255 in a made head; few bright voxels would leave the brain dark."""
PICTURE_HEADS = 16

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Head:
    """A prepared head of the list, and where its brain lies."""

    row: dict[str, str]
    image: Array
    """Background about 0."""
    grid: Grid
    posteriors: NDArray[np.uint8]
    start: tuple[int, int, int]
    ras2mni: NDArray[np.float64]
    brain: Mask
    share: Array
    """Of brain in each voxel, with a soft edge inside the brain."""
    distance: Array
    """To the surface of the brain with its sulci closed, mm; negative inside."""
    tissue: float
    """Brightness of the brain's tissue."""
    fluid: float
    """Brightness just around the brain."""

    @property
    def stripped(self) -> bool:
        return is_stripped(self.row)


def is_stripped(row: dict[str, str]) -> bool:
    return row["head"].startswith("brain only")


def volumes_of(posteriors: NDArray[np.uint8]) -> NDArray[np.int_]:
    """Volume of each structure's label, mm^3."""
    return np.bincount(posteriors.argmax(-1).ravel(), minlength=posteriors.shape[3])[1:]


def ratios_of(found: NDArray[np.uint8], original: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Found over original volume of each structure; 1 where the original head lacks it."""
    new, old = volumes_of(found), volumes_of(original)
    return np.where(old > 0, new / np.maximum(old, 1), 1)


def read_head(row: dict[str, str], folder: Path) -> Head:
    """Read a prepared head, register it, find its brain."""
    with np.load(folder / row["image"]) as case:
        t1, posteriors, box, vox2ras = (case[key] for key in ("t1", "posteriors", "box", "vox2ras"))
    grid = Grid(three(t1.shape), vox2ras.astype(np.float64))
    stripped = is_stripped(row)
    image = t1.astype(np.float32)
    if stripped:  # its background is one number, not always 0
        image -= float(np.bincount(t1.ravel()).argmax())
        image = np.maximum(image, 0)
    ras2mni = register(Volume(image, grid), stripped=stripped).ras2mni
    average = read_average(data_file("templates", "head305.nii.gz")).probability
    everywhere = voxel_points(grid, np.ones(grid.shape, bool)).astype(np.float32)
    probability = np.asarray(sample(average, ras2mni, everywhere)[0].reshape(grid.shape) / 255, np.float32)
    core = probability > CORE_PROBABILITY
    tissue = float(np.percentile(image[core], TISSUE_PERCENTILE))
    start = three(box)
    if stripped:
        brain = filled(largest(ndimage.binary_opening(image > 0)))
    else:
        labels = np.zeros(grid.shape, bool)
        labels[inside(start, posteriors)] = posteriors.argmax(-1) > 0
        brain = find_brain(image, probability, core, labels)
    distance = closed_distance(brain, CLOSING_MM)
    around = (distance > FLUID_MM[0]) & (distance < FLUID_MM[1] + 1)
    fluid = min(float(np.percentile(image[around], FLUID_PERCENTILE)), MAX_FLUID * tissue)
    soft = ndimage.gaussian_filter(brain.astype(np.float32), EDGE_SIGMA_MM)
    share = np.maximum(2 * soft - 1, 0) * brain
    return Head(row, image, grid, posteriors, start, ras2mni, brain, share, distance, tissue, fluid)


def find_brain(image: Array, probability: Array, core: Mask, labels: Mask) -> Mask:
    """The brain of a whole head: tissue where the average head has brain, without bridges to the scalp."""
    weight = core & (image > 0.5 * np.median(image[core]))
    field = ndimage.gaussian_filter(np.where(weight, image, 0), FIELD_SIGMA_MM) / np.maximum(
        ndimage.gaussian_filter(weight.astype(np.float32), FIELD_SIGMA_MM), 1e-6
    )
    relative = ndimage.gaussian_filter(image, EDGE_SIGMA_MM) / np.maximum(field, 1e-6)
    tissue = (relative > TISSUE_RANGE[0]) & (relative < TISSUE_RANGE[1]) & (probability > BRAIN_PROBABILITY)
    # What is within reach of the largest piece that is left when bridges are cut.
    inner = largest(ndimage.distance_transform_edt(tissue) > NECK_MM)
    brain = (ndimage.distance_transform_edt(~inner) <= NECK_MM + 1) & tissue
    near_labels = ndimage.distance_transform_edt(~labels) <= KEPT_AROUND_LABELS_MM
    return filled(closed(brain, 2.0) | near_labels)


def largest(mask: Mask) -> Mask:
    parts, count = ndimage.label(mask)
    return np.asarray(parts == 1 + np.bincount(parts.ravel())[1:].argmax()) if count else mask


def filled(mask: Mask) -> Mask:
    return np.asarray(ndimage.binary_fill_holes(mask))


def closed(mask: Mask, radius_mm: float) -> Mask:
    grown = ndimage.distance_transform_edt(~mask) <= radius_mm
    return np.asarray((ndimage.distance_transform_edt(grown) > radius_mm) | mask)


def closed_distance(mask: Mask, radius_mm: float) -> Array:
    """Distance to the surface of the closed mask, negative inside."""
    outside = ndimage.distance_transform_edt(~mask)
    depth = ndimage.distance_transform_edt(outside <= radius_mm)
    return np.asarray(np.where(depth > 0, radius_mm - depth, outside), np.float32)


def put_brain_into_head(brain: Head, head: Head) -> NDArray[np.uint8] | None:
    """The image of a brain with skull, face and neck of another head around it, on the brain's grid.

    None where the other head's field of view would cut off much of the brain.
    """
    gain = brain.tissue / head.tissue
    places = places_in_head(brain, head)
    last = np.array(head.grid.shape, np.float32)[:, np.newaxis, np.newaxis, np.newaxis] - 1
    seen = np.all((places >= 0) & (places <= last), axis=0)
    if np.count_nonzero(seen & brain.brain) < MIN_SEEN_FRACTION * np.count_nonzero(brain.brain):
        return None
    outer = gain * ndimage.map_coordinates(head.image, places, order=1)
    # Its own brain may reach beyond the other; where the skull was moved, the two surfaces are one.
    own = ndimage.map_coordinates(head.distance, places, order=1, mode="nearest")
    near = np.minimum(brain.distance, own)
    random = np.random.default_rng(zlib.crc32(f"{brain.row['case']} {head.row['case']}".encode()))
    noise = 1 + FLUID_NOISE * random.standard_normal(near.shape, np.float32)
    share = np.clip((FLUID_MM[1] - near) / (FLUID_MM[1] - FLUID_MM[0]), 0, 1)
    rest = share * gain * head.fluid * noise + (1 - share) * outer
    return stretched(np.where(seen, brain.share * brain.image + (1 - brain.share) * rest, 0))


def places_in_head(brain: Head, head: Head) -> Array:
    """Voxel of the head for each voxel of the brain's grid: the affine transform, and the move of the skull."""
    to_head = np.linalg.inv(head.ras2mni @ head.grid.vox2ras) @ brain.ras2mni @ brain.grid.vox2ras
    shape = brain.grid.shape
    # Every other voxel is enough for a smooth move.
    coarse = np.indices([n // 2 for n in shape], np.float32) * 2 + np.float32(0.5)
    linear, shift = to_head[:3, :3].astype(np.float32), to_head[:3, 3].astype(np.float32)
    places = np.einsum("ij,jxyz->ixyz", linear, coarse) + shift[:, np.newaxis, np.newaxis, np.newaxis]
    scale = abs(np.linalg.det(linear)) ** (1 / 3)
    own = ndimage.map_coordinates(head.distance, places, order=1, mode="nearest") / scale
    wanted = ndimage.zoom(brain.distance, 0.5, order=1, grid_mode=True, mode="nearest")
    outwards = np.stack(np.gradient(own, 2.0))
    outwards /= np.maximum(np.linalg.norm(outwards, axis=0), 1e-6)
    length = np.clip(wanted - own, -MAX_MOVE_MM, MAX_MOVE_MM)
    length *= np.exp(-0.5 * (np.maximum(wanted, 0) / MOVE_REACH_MM) ** 2)
    move = ndimage.gaussian_filter(length * outwards, (0, *[MOVE_SIGMA_MM / 2] * 3))
    places += np.einsum("ij,jxyz->ixyz", linear, move).astype(np.float32)
    return np.stack([ndimage.zoom(axis, 2, order=1, grid_mode=True, mode="nearest") for axis in places])


def take_brain_out(head: Head) -> NDArray[np.uint8]:
    """The image of a whole head's brain alone."""
    return stretched(np.where(head.brain, head.image, 0))


def stretched(image: Array) -> NDArray[np.uint8]:
    top = max(float(np.percentile(image, BRIGHTEST_PERCENTILE)), 1e-6)
    return np.asarray(np.rint(np.clip(image * (255 / top), 0, 255)), np.uint8)


def inside(start: tuple[int, int, int], posteriors: NDArray[np.uint8]) -> tuple[slice, slice, slice]:
    return Box.of_shape(posteriors.shape).moved(start).slices


def label(teacher: Any, image: NDArray[np.uint8], original: Head) -> tuple[NDArray[np.uint8], tuple[int, int, int]]:
    """The network's posteriors in the smallest box that holds them, and the first voxel of that box."""
    found = np.argwhere(original.posteriors.argmax(-1) > 0) + original.start
    structures = Box(three(found.min(0)), three(found.max(0) + 1)).grown(LABEL_MARGIN_VOXELS)
    wanted = structures.aligned(FOV_MULTIPLE).clipped(Box.of_shape(image.shape))
    scaled = image.astype(np.float32) / 255
    posteriors = teacher.predict(Volume(scaled, Grid(three(image.shape), np.eye(4))), wanted).data
    there = np.argwhere(posteriors[..., 1:].max(-1) >= MIN_POSTERIOR)
    if not len(there):
        return np.zeros((1, 1, 1, posteriors.shape[3]), np.uint8), wanted.low
    box = Box(three(there.min(0)), three(there.max(0) + 1))
    return np.rint(255 * posteriors[box.slices]).astype(np.uint8), box.moved(wanted.low).low


def choose_pairs(heads: list[Head], per_brain: int) -> Iterator[tuple[Head, Head]]:
    """Which brain comes into which head; the same head twice where it is to be stripped."""
    whole, brains = ([head for head in heads if head.stripped == stripped] for stripped in (False, True))
    yield from zip(whole, whole, strict=True)
    # First one head for every brain, then a second one.
    for turn in range(min(per_brain, len(whole))):
        for number, brain in enumerate(brains):
            yield brain, whole[(number + turn) % len(whole)]


def make_image(brain: Head, head: Head) -> NDArray[np.uint8] | None:
    return take_brain_out(head) if brain is head else put_brain_into_head(brain, head)


def make_row(brain: Head, head: Head) -> dict[str, str]:
    if brain is head:
        case, kind = f"{head.row['case']}_stripped", "brain only, made"
    else:
        case, kind = f"{brain.row['case']}_in_{head.row['case']}", f"{head.row['head']}, made"
    row = {"case": case, "image": f"{case}.npz", "split": "train", "weight": brain.row["weight"], "head": kind}
    for column in ("origin", "licence"):
        one, other = brain.row[column], head.row[column]
        row[column] = one if one == other else f"brain: {one}; head: {other}"
    return row


def write_list(rows: list[dict[str, str]], path: Path) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def three_slices(image: NDArray[np.uint8], posteriors: NDArray[np.uint8], start: tuple[int, int, int]) -> Any:
    """A sagittal, a coronal and an axial slice through the structures, side by side."""
    x, y, z = (first + n // 2 for first, n in zip(start, posteriors.shape[:3], strict=True))
    return np.hstack([image[x, :, ::-1].T, image[:, y, ::-1].T, image[:, ::-1, z].T])


def mosaic(strips: list[NDArray[np.uint8]]) -> Image.Image:
    """Two heads a row."""
    strips = strips + [np.zeros_like(strips[0])] * (len(strips) % 2)
    rows = [np.hstack(strips[i : i + 2]) for i in range(0, len(strips), 2)]
    return Image.fromarray(np.vstack(rows))


def main() -> None:
    """Print a line for each dropped head, then counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("heads", type=Path)
    parser.add_argument("list", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--picture", type=Path, help="PNG of some made heads")
    parser.add_argument("--per-brain", type=int, default=sys.maxsize, help="heads for each brain; by default all")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    begin = time.monotonic()
    with open(args.list, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["split"] == "train"]
    rows = [row for row in rows if is_stripped(row) or row["head"].startswith("whole")]
    with ThreadPoolExecutor(2) as pool:
        heads = list(pool.map(lambda row: read_head(row, args.heads), rows))
    print(f"{len(heads)} heads registered, {time.monotonic() - begin:.0f} s", flush=True)
    teacher = load_model("published", threads=args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    kept: list[dict[str, str]] = []
    shown = []
    pairs = list(choose_pairs(heads, args.per_brain))
    if not pairs:
        parser.error(f"{args.list}: no row of the split train has a whole head (column head)")
    with ThreadPoolExecutor(1) as pool:  # makes the next image while the network labels one
        for (brain, head), image in zip(pairs, pool.map(make_image, *zip(*pairs, strict=True)), strict=True):
            row = make_row(brain, head)
            if image is None:
                print(f"{row['case']}: dropped, the field of view cuts the brain", flush=True)
                continue
            posteriors, start = label(teacher, image, brain)
            ratios = ratios_of(posteriors, brain.posteriors)
            if ratios.min() < VOLUME_RATIO_RANGE[0] or ratios.max() > VOLUME_RATIO_RANGE[1]:
                worst = int(np.abs(np.log(np.maximum(ratios, 1e-3))).argmax())
                print(f"{row['case']}: dropped, {NAMES[worst]} {ratios[worst]:.0%} of the original", flush=True)
                continue
            vox2ras, box = brain.grid.vox2ras.astype(np.float32), np.array(start, np.int16)
            np.savez_compressed(args.out / row["image"], t1=image, posteriors=posteriors, box=box, vox2ras=vox2ras)
            kept.append(row)
            write_list(kept, args.out / LIST)  # each time: a run that is broken off leaves what it has
            shown.append(three_slices(image, posteriors, start))
    write_list(kept, args.out / LIST)
    if args.picture and shown:
        mosaic(shown[:: -(-len(shown) // PICTURE_HEADS)]).save(args.picture)
    print(f"{len(kept)} kept, {len(pairs) - len(kept)} dropped, {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()

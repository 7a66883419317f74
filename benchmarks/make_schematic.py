"""Make fs_sclimbic/templates/schematic.json: outlines of the 13 structures in three planes, for figures of effects.

    fs_sclimbic demo DEMO                    # the MNI152 average that nilearn carries; needs fs_sclimbic[demo]
    mri_sclimbic_seg --i DEMO/mni152.nii.gz --o DEMO/parts.nii.gz --model shipped --keep_ac --write_posteriors
    python benchmarks/make_schematic.py DEMO/mni152.nii.gz DEMO/parts.posteriors.nii.gz [OUT]

The head is the ICBM152 2009a symmetric average of 152 brains (Copyright 1993-2009 Louis Collins, McConnell Brain
Imaging Centre; Fonov et al. 2011, NeuroImage 54:313-327; free with attribution), segmented by the shipped weights.
Both sides are averaged with each other's mirror image, so that no side looks larger in the picture than the other.

A view is a slice, or a silhouette (largest probability along the axis) where a slice cuts a structure into pieces:
the fornix is an arch that only the side view shows. Outlines stand at probability 0.5 after smoothing, in mm of
MNI152; nearer structures of a silhouette are drawn over farther ones.
"""

import itertools
import json
import sys
from pathlib import Path

import contourpy
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fs_sclimbic.image.volume import read_volume

Array = NDArray[np.float64]
OUT = Path(__file__).parents[1] / "fs_sclimbic/templates/schematic.json"
NAMES = (
    "Left-Nucleus-Accumbens", "Right-Nucleus-Accumbens", "Left-HypoThal-noMB", "Right-HypoThal-noMB", "Left-Fornix",
    "Right-Fornix", "Left-MammillaryBody", "Right-MammillaryBody", "Mid-AntCom", "Left-Basal-Forebrain",
    "Right-Basal-Forebrain", "Left-SeptalNuc", "Right-SeptalNuc",
)  # fmt: skip
"""Frames of the posteriors after the background."""
MIDLINE = "Mid-AntCom"
FINE_MM = 0.5
"""Grid on which outlines are found."""
SMOOTHING_MM, TISSUE_SMOOTHING_MM = 0.6, 0.8
"""Standard deviations."""
TOLERANCE_MM, TISSUE_TOLERANCE_MM = 0.05, 0.25
"""An outline is simplified by no more than this."""
BRAIN_LEVEL, WHITE_LEVEL = 0.42, 0.76
"""Of the head's brightness, 99th percentile 1: brain against fluid, white against grey matter."""
LOW, HIGH = np.array([-36.0, -50.0, -32.0]), np.array([36.0, 40.0, 36.0])
"""Corners of the part of MNI152 that is kept, mm."""
WINDOWS = {"coronal": (-31, 31, -25, 27), "sagittal": (-46, 32, -25, 31), "axial": (-31, 31, -28, 28)}
"""Left, right, bottom and top of the views, mm."""
VIEWS = (
    ("left, from the midline", "sagittal", "left", -2.0),
    ("axial, z = -11 mm", "axial", "slice", -11.0),
    ("right, from the midline", "sagittal", "right", 2.0),
    ("coronal, y = 9 mm", "coronal", "slice", 9.0),
    ("y = 3 mm", "coronal", "slice", 3.0),
    ("y = -3 mm", "coronal", "slice", -3.0),
    ("y = -8.5 mm", "coronal", "slice", -8.5),
)
"""Title, plane, how structures are shown, and where the slice (of the head beneath) is, mm."""
AXIS = {"sagittal": 0, "coronal": 1, "axial": 2}


def main(argv: list[str]) -> int:
    head, posteriors = read_volume(argv[0]), read_volume(argv[1], frames=True)
    out = Path(argv[2]) if len(argv) > 2 else OUT
    bright = on_fine_grid(np.asarray(head.data, np.float64), head.grid.vox2ras, TISSUE_SMOOTHING_MM)
    bright /= np.percentile(bright[bright > bright.mean()], 99)
    bright = (bright + bright[::-1]) / 2
    maps = {
        name: on_fine_grid(np.asarray(posteriors.data[..., frame], np.float64), posteriors.grid.vox2ras, SMOOTHING_MM)
        for frame, name in enumerate(NAMES, 1)
    }
    maps = {name: (one + maps[mirrored(name)][::-1]) / 2 for name, one in maps.items()}
    views = [view_of(bright, maps, *view) for view in VIEWS]
    text = json.dumps({"space": "MNI152 (ICBM 2009a symmetric), mm", "views": views}, separators=(",", ":"))
    out.write_text(text.replace('{"title"', '\n{"title"').replace('{"name"', '\n{"name"') + "\n")
    print(f"wrote {out}: {out.stat().st_size} bytes")
    return 0


def mirrored(name: str) -> str:
    """The structure of the other side."""
    side, _, rest = name.partition("-")
    return {"Left": "Right-", "Right": "Left-"}.get(side, f"{side}-") + rest


def on_fine_grid(data: Array, vox2ras: Array, smoothing_mm: float) -> Array:
    """Values on the fine grid between `LOW` and `HIGH`, smoothed."""
    axes = [np.arange(low, high + FINE_MM / 2, FINE_MM) for low, high in zip(LOW, HIGH, strict=True)]
    to_voxel = np.linalg.inv(vox2ras)
    scale = np.linalg.norm(vox2ras[:3, :3], axis=0)
    smooth = ndimage.gaussian_filter(data, smoothing_mm / scale)
    if np.count_nonzero(np.round(to_voxel[:3, :3], 6)) == 3:  # axes along the grid's: take them one after another
        matrix = to_voxel[:3, :3] * FINE_MM
        offset = to_voxel[:3, :3] @ LOW + to_voxel[:3, 3]
        return np.asarray(ndimage.affine_transform(smooth, matrix, offset, [len(axis) for axis in axes], order=3))
    raise SystemExit("expected an image whose axes are those of the head")


def view_of(
    bright: Array, maps: dict[str, Array], title: str, plane: str, shown: str, at_mm: float
) -> dict[str, object]:
    """Outlines of a view: the head's slice beneath, then structures from far to near."""
    axis = AXIS[plane]
    index = round((at_mm - LOW[axis]) / FINE_MM)
    slice_ = np.take(bright, index, axis)
    drawn = []
    for name, one in maps.items():
        if shown in ("left", "right") and not name.startswith(("Mid-", shown.capitalize())):
            continue
        # Of the commissure the cut in the midline is shown, as in every atlas: it runs across.
        middle = round(-LOW[0] / FINE_MM)
        flat = np.take(one, index, axis) if shown == "slice" else one[middle] if name == MIDLINE else one.max(axis)
        path = outline(flat, plane, shown, 0.5, TOLERANCE_MM)
        if path:
            drawn.append((0.0 if name == MIDLINE else depth(one), {"name": name, "path": path}))
    drawn.sort(key=lambda part: -part[0])  # what lies at the middle is the nearest
    return {
        "title": title, "plane": plane, "side": shown, "mm": at_mm, "window": window_of(plane, shown),
        "brain": outline(slice_, plane, shown, BRAIN_LEVEL, TISSUE_TOLERANCE_MM),
        "white": outline(slice_, plane, shown, WHITE_LEVEL, TISSUE_TOLERANCE_MM),
        "structures": [part for _, part in drawn],
    }  # fmt: skip


def window_of(plane: str, shown: str) -> tuple[int, int, int, int]:
    """Of a view; who looks at the right half from the midline has the front on the left."""
    left, right, bottom, top = WINDOWS[plane]
    return (-right, -left, bottom, top) if shown == "right" else (left, right, bottom, top)


def depth(one: Array) -> float:
    """Mean distance from the midline, mm."""
    x = LOW[0] + FINE_MM * np.arange(len(one))
    return float(np.average(np.abs(x), weights=one.sum((1, 2))))


def outline(flat: Array, plane: str, shown: str, level: float, tolerance: float) -> str:
    """SVG path of where a picture is above a level; x to the right and y downwards, as a reader sees the view."""
    first, second = [i for i in range(3) if i != AXIS[plane]]
    x = LOW[first] + FINE_MM * np.arange(flat.shape[0])
    y = LOW[second] + FINE_MM * np.arange(flat.shape[1])
    left, right, bottom, top = window_of(plane, shown)
    x = -x if shown == "right" else x
    keep_x, keep_y = (x >= left) & (x <= right), (y >= bottom) & (y <= top)
    padded = np.pad(flat[keep_x][:, keep_y], 1)
    px, py = x[keep_x], y[keep_y]
    step = px[1] - px[0]
    px = np.concatenate([[px[0] - step / 100], px, [px[-1] + step / 100]])
    py = np.concatenate([[py[0] - FINE_MM / 100], py, [py[-1] + FINE_MM / 100]])
    found = contourpy.contour_generator(px, py, padded.T, fill_type="OuterOffset").filled(level, 1e9)
    path = ""
    for points, offsets in zip(*found, strict=True):
        for start, stop in itertools.pairwise(offsets):
            ring = simplified(points[start:stop], tolerance)
            if area(ring) > 1.0:
                path += "M" + "L".join(f"{a:.1f} {-b:.1f}" for a, b in ring[:-1]) + "Z"
    return path.replace(".0", "").replace("-0 ", "0 ")


def area(ring: Array) -> float:
    """Of a closed line, mm^2."""
    x, y = ring.T
    return float(abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2


def simplified(ring: Array, tolerance: float) -> Array:
    """Leave out points of a closed line that lie within a tolerance of what remains (Douglas and Peucker)."""
    far = int(np.argmax(np.linalg.norm(ring - ring[0], axis=1)))
    keep = np.zeros(len(ring), bool)
    keep[[0, far, -1]] = True
    todo = [(0, far), (far, len(ring) - 1)]
    while todo:
        start, stop = todo.pop()
        if stop - start < 2:
            continue
        along = ring[stop] - ring[start]
        length = np.linalg.norm(along) or 1.0
        away = ring[start + 1 : stop] - ring[start]
        distance = np.abs(along[0] * away[:, 1] - along[1] * away[:, 0]) / length
        worst = int(np.argmax(distance))
        if distance[worst] > tolerance:
            middle = start + 1 + worst
            keep[middle] = True
            todo += [(start, middle), (middle, stop)]
    return ring[keep]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

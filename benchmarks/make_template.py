"""Make fs_sclimbic/templates/brain305.nii.gz, the average brain that `fs_sclimbic.registration.head_search` looks for.

    python benchmarks/make_template.py SHARED [OUT]

SHARED is the project's shared folder (``data/t1``, ``data/train``, ``data/subjects``, ``reference/etiv``); nothing
is random. The average holds no single head; what went into it, by licence:

- PDDL: studyforrest (datalad/example-dicom-structural), pumi2mm (OpenNeuro ds002608)
- MIT: sag_anon (FNNDSC/SAG-anon)
- Apache-2.0: adi_brain (FNNDSC/data)
- BSD-3-Clause: mne_ecog (mne-tools/mne-misc-data)
- CC0: 28 brains, sub-13 to sub-40 of OpenNeuro ds002748, brain-extracted by their depositor

The five whole heads have transforms to MNI305 that can be trusted (FreeSurfer's talairach.xfm); their average,
inside an ellipsoid that is brain in all, is the first template. All heads are then registered to it with the
package's own code and averaged again: how bright brain is at a place (frame 0; a stripped brain says nothing of what
was taken from it), and how probable brain is there (frame 1; the mean of the stripped brains' masks). After each
round the average is moved so that the whole heads' new transforms agree with the trusted ones in the mean: that keeps
it in MNI305. Never used here, and free to judge the result: colin27, t1crop, coregqa, niimath, stroke, seg3d, ds-01
to ds-12.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from make_head_template import STRIPPED, read_brain, read_head, read_references
from numpy.typing import NDArray
from scipy import ndimage

from fs_sclimbic.image.transforms import read_transform
from fs_sclimbic.image.volume import Grid, Volume, write_volume
from fs_sclimbic.registration.average import split_frames
from fs_sclimbic.registration.brain_template import prepare_brain
from fs_sclimbic.registration.head_search import average_blocks, locate_head
from fs_sclimbic.registration.level import sample

WHOLE = ("adi_brain", "mne_ecog", "pumi2mm", "sag_anon", "studyforrest")
WHOLE_WEIGHT = 4.0
"""Of one whole head over one stripped brain."""
ROUNDS = 4
MAX_LOG_DET = 0.25

VOXEL_MM = 4.0
LOW_MM, SHAPE = np.array([-84.0, -124.0, -80.0]), (43, 53, 43)
SURE_BRAIN_CENTER_MM, SURE_BRAIN_RADII_MM = np.array([0.0, -18.0, 12.0]), np.array([60.0, 76.0, 52.0])


def main(arguments: list[str]) -> int:
    shared = Path(arguments[0])
    out = Path(arguments[1]) if len(arguments) > 1 else Path("fs_sclimbic/templates/brain305.nii.gz")
    whole = {name: (volume, ras2mni) for name, volume, ras2mni in _whole_heads(shared)}
    stripped = dict(_stripped_brains(shared))
    grid = _grid()
    probability = (np.linalg.norm((_points(grid) - SURE_BRAIN_CENTER_MM) / SURE_BRAIN_RADII_MM, axis=-1) < 1).reshape(
        SHAPE
    )
    brightness = _average([(volume, ras2mni, 1.0) for volume, ras2mni in whole.values()], grid)
    for round_ in range(ROUNDS):
        template = prepare_brain(split_frames(_stored(brightness, probability, grid)))
        if round_ == 0:  # the ellipsoid's rim is brain, not the end of it
            template = replace(template, stripped=template.covered)
        found = {name: locate_head(volume, template) for name, volume in (*stripped.items(), *_volumes(whole).items())}
        placed = {name: head.ras2mni for name, head in found.items() if head is not None}
        print(f"round {round_}: scores {sorted(round(head.score, 2) for head in found.values() if head)}")
        missing = sorted(set(found) - set(placed))
        if missing:
            print(f"  not found: {missing}")
        # A whole head that went astray says nothing of the others, and stays where its trusted transform puts it.
        moves = {name: whole[name][1] @ np.linalg.inv(placed[name]) for name in WHOLE if name in placed}
        agreeing = {
            name: move for name, move in moves.items() if abs(np.log(np.linalg.det(move[:3, :3]))) < MAX_LOG_DET
        }
        correction = np.mean(list(agreeing.values()), axis=0) if round_ else np.eye(4)
        print(f"  agreeing: {sorted(agreeing)}; correction {correction[:3].round(3).tolist()}")
        for name in WHOLE:
            if not round_ or name not in agreeing:
                placed[name] = np.linalg.inv(correction) @ whole[name][1]
        stripped_placed = [(stripped[name], correction @ placed[name], 1.0) for name in STRIPPED if name in placed]
        whole_placed = [(whole[name][0], correction @ placed[name], WHOLE_WEIGHT) for name in WHOLE if name in placed]
        probability = _average(
            [(Volume((v.data > 0).astype(np.float32), v.grid), m, w) for v, m, w in stripped_placed], grid, False
        )
        brightness = _average([*stripped_placed, *whole_placed], grid)
        print(f"  brain {(probability > 0.5).sum() * VOXEL_MM**3 / 1e6:.3f} l")
    write_volume(_stored(brightness, probability, grid), out)
    return 0


def _volumes(whole: dict[str, tuple[Volume, NDArray[np.float64]]]) -> dict[str, Volume]:
    return {name: volume for name, (volume, _) in whole.items()}


def _whole_heads(shared: Path) -> Iterator[tuple[str, Volume, NDArray[np.float64]]]:
    """Name, image and trusted transform (RAS to MNI305) of the whole heads."""
    references = read_references(shared)
    # Of mne_ecog recon-all's own is used, of the head before defacing.
    references["mne_ecog"] = read_transform(shared / "data/subjects/ecog.long.base/mri/transforms/talairach.xfm")
    for name in WHOLE:
        yield name, read_head(shared, name), references[name]


def _stripped_brains(shared: Path) -> Iterator[tuple[str, Volume]]:
    for name in STRIPPED:
        yield name, read_brain(shared, name)


def _grid() -> Grid:
    vox2ras = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0])
    vox2ras[:3, 3] = LOW_MM
    return Grid(SHAPE, vox2ras)


def _points(grid: Grid) -> NDArray[np.float32]:
    index = np.indices(grid.shape).reshape(3, -1).T
    return np.asarray(index @ grid.vox2ras[:3, :3].T + grid.vox2ras[:3, 3], np.float32)


def _average(
    heads: list[tuple[Volume, NDArray[np.float64], float]], grid: Grid, normalise: bool = True
) -> NDArray[np.float64]:
    """Weighted mean of heads brought to MNI305."""
    total, weights = np.zeros(grid.shape), np.full(grid.shape, 1e-6)
    for volume, ras2mni, weight in heads:
        blocks = average_blocks(volume) if normalise else volume
        assert blocks is not None
        flat, seen = sample(blocks, np.linalg.inv(ras2mni), _points(grid))
        values = flat.reshape(grid.shape).astype(np.float64)
        if normalise:
            values /= np.mean(values[_middle(grid)])
        # Several images end inside the head; a stripped brain says nothing of the voxels taken from it.
        share = weight * seen.reshape(grid.shape)
        if normalise:
            share = share * (values > 0.05)
        total += share * values
        weights += share
    return np.asarray(total / weights)


def _middle(grid: Grid) -> NDArray[np.bool_]:
    """A ball of brain in the middle, to make the brightness of heads equal."""
    return np.asarray(np.linalg.norm(_points(grid) - SURE_BRAIN_CENTER_MM, axis=-1) < 45).reshape(grid.shape)


def _stored(brightness: NDArray[np.float64], probability: NDArray[np.float64], grid: Grid) -> Volume:
    """Two uint8 frames, 0 far from the brain."""
    near = ndimage.binary_dilation(probability > 0.5, iterations=2)
    top = np.percentile(brightness[probability > 0.5], 99.9)
    frames = [np.clip(brightness / top, 0, 1) * near, probability * near]
    return Volume(np.rint(255 * np.stack(frames, -1)).astype(np.uint8), grid)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

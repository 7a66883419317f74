"""Make fs_sclimbic/templates/head305.nii.gz, the average head that `fs_sclimbic.registration.talairach` takes for eTIV.

    python benchmarks/make_head_template.py SHARED OUT [--without NAME ...]

SHARED is the project's shared folder (``data/t1``, ``data/train``, ``data/subjects``, ``reference/etiv``); nothing
is random; it takes about three minutes. What goes into it, by licence:

- PDDL: pumi2mm (OpenNeuro ds002608), studyforrest (datalad/example-dicom-structural)
- MIT: sag_anon (FNNDSC/SAG-anon)
- Apache-2.0: adi_brain (FNNDSC/data)
- BSD-3-Clause: mne_ecog (mne-tools/mne-misc-data)
- CC0: 28 brains, sub-13 to sub-40 of OpenNeuro ds002748, brain-extracted by their depositor

eTIV is calibrated on registrations to FreeSurfer's average, so this average must have that one's size. It begins as
the mean of three whole heads under their trusted reference transforms (talairach_avi). Then all heads are registered
to it with the package's own code and averaged again; after each round the whole set is moved so that the three
trusted heads agree with their references in the mean, and have their size in the mean of the logarithms. Two whole
heads go in without a say in that: mne_ecog's reference is doubtful, and studyforrest's is 45 % off (its brain and its
scalp come out larger than those of all the others). The stripped brains add to the brightness of the brain and say how
probable brain is at a place. Never used here, and free to judge the result: colin27, t1crop, seg3d, coregqa,
niimath, stroke, ds-01 to ds-12. ``--without`` leaves further heads out, to judge those by an average without them.
"""

import argparse
import csv
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fs_sclimbic.files.resources import data_file
from fs_sclimbic.image.volume import Grid, Volume, read_volume, write_volume
from fs_sclimbic.registration.average import read_average, split_frames
from fs_sclimbic.registration.brain_template import AVERAGE_BRAIN
from fs_sclimbic.registration.head_search import locate_head
from fs_sclimbic.registration.head_template import STORED_SMOOTHING_MM, prepare_head
from fs_sclimbic.registration.level import sample, smooth, voxel_points
from fs_sclimbic.registration.talairach import MAX_BRIGHTNESS, register, smoothing_to_reach

TRUSTED = ("adi_brain", "pumi2mm", "sag_anon")
OTHERS = ("mne_ecog", "studyforrest")
STRIPPED = tuple(f"ds-{number:02d}" for number in range(13, 41))
WHOLE_WEIGHT = 4.0
"""Of one whole head over one stripped brain."""
ROUNDS = 4
MIN_BRAINS = 5
"""Where fewer stripped brains have a voxel in their field of view, the former probability stays."""
CUT_VOXELS = 3
"""At the faces of a stripped brain's image, where brain may have been cut off."""

VOXEL_MM = 2.0
LOW_MM, SHAPE = np.array([-90.0, -130.0, -90.0]), (91, 111, 96)
INNER_CENTER_MM, INNER_RADII_MM = np.array([0.0, -18.0, 12.0]), np.array([45.0, 60.0, 38.0])
"""An ellipsoid of brain, to make the brightness of heads equal."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Member:
    """One head of the average."""

    image: Volume
    stored: Volume
    """As smooth as the average is stored."""
    mask: Volume | None = None
    """Where a stripped brain has brain, smoothed."""
    known: Volume | None = None
    """1 where a stripped brain's image says whether there is brain."""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--without", nargs="+", default=[], metavar="NAME")
    args = parser.parse_args(argv)
    write_volume(make(args.shared, frozenset(args.without)), args.out)
    return 0


def make(shared: Path, without: frozenset[str] = frozenset()) -> Volume:
    """The average: two frames, uint8, brightness (255 = MAX_BRIGHTNESS), probability of brain (255 = 1)."""
    references = read_references(shared)
    whole = {name: _whole(read_head(shared, name)) for name in (*TRUSTED, *OTHERS) if name not in without}
    brains = {name: _stripped(read_brain(shared, name)) for name in STRIPPED if name not in without}
    trusted = {name: references[name] for name in TRUSTED if name in whole}
    brightness: NDArray[np.floating] = np.mean(
        [_brought(whole[name].stored, matrix)[0] for name, matrix in trusted.items()], axis=0
    )
    probability: NDArray[np.floating] = _first_probability(brightness)
    starts: dict[str, Matrix] = dict(trusted)
    for number in range(ROUNDS):
        head = prepare_head(split_frames(_frames(brightness, probability)))
        found = {
            name: register(member.image, head=head, start=starts.get(name), stripped=False)
            for name, member in whole.items()
        }
        found |= {
            name: register(member.image, head=head, start=starts.get(name), stripped=True)
            for name, member in brains.items()
        }
        correction = _correction(trusted, {name: found[name].ras2mni for name in trusted})
        starts = {name: correction @ registration.ras2mni for name, registration in found.items()}
        size = {name: f"{100 * np.log(_det(trusted[name]) / _det(starts[name])):+.1f} %" for name in trusted}
        scores = sorted(round(registration.score, 2) for registration in found.values())
        print(f"round {number}: correction of size {_det(correction):.4f}, eTIV over the references {size}, {scores}")
        brightness, probability = _averages(whole, brains, starts, probability)
    return _frames(brightness, probability)


def read_references(shared: Path) -> dict[str, Matrix]:
    """The published tool's transforms to MNI305, by head."""
    with open(shared / "reference/etiv/talairach_avi.tsv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    numbers = {row["image"]: [row[key].split() for key in ("talairach_xfm_row1", "row2", "row3")] for row in rows}
    return {name: np.vstack([np.array(three, float), [0, 0, 0, 1]]) for name, three in numbers.items()}


def read_head(shared: Path, name: str) -> Volume:
    return read_volume(next(path for path in (shared / "data/t1").iterdir() if path.name.startswith(f"{name}.")))


def read_brain(shared: Path, name: str) -> Volume:
    with np.load(shared / "data/train" / f"{name}.npz") as case:
        return Volume(case["t1"], Grid(case["t1"].shape, case["vox2ras"]))


def _smoothed(volume: Volume) -> Volume:
    return smooth(
        Volume(volume.data.astype(np.float32), volume.grid), smoothing_to_reach(STORED_SMOOTHING_MM, volume.grid)
    )


def _whole(image: Volume) -> Member:
    return Member(image, _smoothed(image))


def _stripped(image: Volume) -> Member:
    known = np.zeros(image.grid.shape, np.float32)
    known[(slice(CUT_VOXELS, -CUT_VOXELS),) * 3] = 1
    mask = Volume((image.data > 0).astype(np.float32), image.grid)
    return Member(image, _smoothed(image), _smoothed(mask), Volume(known, image.grid))


def _grid() -> Grid:
    vox2ras = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0])
    vox2ras[:3, 3] = LOW_MM
    return Grid(SHAPE, vox2ras)


def _points() -> NDArray[np.float32]:
    return voxel_points(_grid(), np.ones(SHAPE, bool)).astype(np.float32)


def _inner() -> NDArray[np.bool_]:
    return np.asarray(np.linalg.norm((_points() - INNER_CENTER_MM) / INNER_RADII_MM, axis=1) < 1).reshape(SHAPE)


def _sampled(volume: Volume, ras2mni: Matrix) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    values, seen = sample(volume, np.linalg.inv(ras2mni), _points())
    return values.reshape(SHAPE), seen.reshape(SHAPE)


def _brought(stored: Volume, ras2mni: Matrix) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A head in MNI305, the brain's brightness 1; and where it is in view."""
    values, seen = _sampled(stored, ras2mni)
    return np.clip(values / values[_inner()].mean(), 0, MAX_BRIGHTNESS), seen


def _first_probability(brightness: NDArray[np.floating]) -> NDArray[np.float32]:
    """From the smaller average brain that the package finds heads with, registered to the first average."""
    found = locate_head(Volume(brightness.astype(np.float32), _grid()))
    assert found is not None
    brain = read_average(data_file(*AVERAGE_BRAIN)).probability
    probability = Volume(brain.data / 255, brain.grid)
    return sample(probability, found.ras2mni, _points())[0].reshape(SHAPE)


def _correction(wanted: Mapping[str, Matrix], found: Mapping[str, Matrix]) -> Matrix:
    """The move of MNI305 that makes what was found agree with what is wanted, in the mean."""
    moves = [wanted[name] @ np.linalg.inv(found[name]) for name in wanted]
    correction = np.mean(moves, axis=0)
    size = np.exp(np.mean([np.log(_det(move)) for move in moves]))
    correction[:3, :3] *= (size / _det(correction)) ** (1 / 3)
    return np.asarray(correction, np.float64)


def _det(matrix: Matrix) -> float:
    return float(np.linalg.det(matrix[:3, :3]))


def _averages(
    whole: Mapping[str, Member],
    brains: Mapping[str, Member],
    placed: Mapping[str, Matrix],
    former: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How bright heads are and how probable brain is, with all heads brought to MNI305."""
    total, weight = np.zeros(SHAPE), np.full(SHAPE, 1e-6)
    for name, member in whole.items():
        values, seen = _brought(member.stored, placed[name])
        total += WHOLE_WEIGHT * seen * values
        weight += WHOLE_WEIGHT * seen
    brain, count = np.zeros(SHAPE), np.zeros(SHAPE)
    for name, member in brains.items():
        assert member.mask is not None
        assert member.known is not None
        values, _ = _brought(member.stored, placed[name])
        mask, known = _sampled(member.mask, placed[name])[0], _sampled(member.known, placed[name])[0] > 0.99
        sure = (mask > 0.95) & known
        total += sure * values
        weight += sure
        brain += known * mask
        count += known
    return total / weight, np.where(count >= MIN_BRAINS, brain / np.maximum(count, 1), former)


def _frames(brightness: NDArray[np.floating], probability: NDArray[np.floating]) -> Volume:
    frames = np.stack([brightness / MAX_BRIGHTNESS, probability], -1)
    return Volume(np.rint(255 * np.clip(frames, 0, 1)).astype(np.uint8), _grid())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

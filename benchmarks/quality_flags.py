"""How many spoiled heads the flags find, and how many good heads they flag.

    python benchmarks/quality_flags.py SHARED --work FOLDER --model published --heads held-out

SHARED is the project's shared folder. ``learned`` are the heads on which the limits were learned, ``held-out``
the others: for figures. Results stay in the folder and are used again.
"""

import argparse
import contextlib
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from spoiled_heads import (
    ACCUMBENS,
    FOREBRAIN,
    FORNIX,
    Spoil,
    blurred,
    contradictory,
    cut_below,
    flipped,
    half_blank,
    half_image,
    half_size,
    hole,
    inverted,
    moved_in_field,
    noisy,
    one_voxel,
    padded,
    painted_out,
    saturated,
    thick_slices,
    tissue_labels,
)

from fs_sclimbic import Volume, read_volume
from fs_sclimbic.cli.segment import main as segment
from fs_sclimbic.image.volume import Grid, write_volume
from fs_sclimbic.qc.find_cases import find_finished_cases
from fs_sclimbic.qc.finished_case import FinishedCase

LEARNED_OTHERS = ("adi_brain", "mne_ecog", "philips", "uih1", "t1crop", "niimath")
LOST = {"ds-15", "ds-16", "ds-30", "ms07_t1gd", "ms19_t1"}
"""Heads on which the published weights lose structures: they should be bad."""

SPOILS: dict[str, Spoil] = {
    "right accumbens painted out": painted_out(ACCUMBENS["right"]),
    "left accumbens painted out": painted_out(ACCUMBENS["left"]),
    "right basal forebrain painted out": painted_out(FOREBRAIN["right"]),
    "hot voxel x10": one_voxel(10),
    "hot voxel x5": one_voxel(5),
    "cold voxel": one_voxel(-0.4),
    "padding far below the air": padded,
    "clipped at white matter": saturated,
    "3 mm slices, axial": thick_slices(2, 3),
    "half of the head blank": half_blank,
    "half of the head in the image": half_image,
    "field of view ends amid the structures": cut_below,
    "noise 12 %": noisy(0.12),
    "noise 25 %": noisy(0.25),
    "left and right exchanged in the header": flipped,
    "qform and sform disagree about left": contradictory,
    "hole of 7 mm radius over a fornix": hole(FORNIX["left"], 7),
    "hole of 12 mm radius at a basal forebrain": hole(FOREBRAIN["left"], 12),
    "T2-like": inverted,
    "aseg instead of the T1": tissue_labels,
    "off the centre": moved_in_field(75),
    "half-size voxels": half_size,
    "moved during the scan": blurred,
}
OTHER_FILE = "other.nii.gz"
OTHER_WEIGHTS = "made with other weights"
SPOILED_HEADS = {
    "learned": ("ds-21", "philips", "uih1", "ds-27", "ds-29", "t1crop", "ds-35", "adi_brain"),
    "held-out": ("ds-22", "colin27", "pycortex", "ds-28", "ds-34", "sag_anon", "ds-40", "studyforrest"),
}


def is_learned(name: str) -> bool:
    """Whether limits were learned on a head."""
    return name in LEARNED_OTHERS or (name.startswith("ds-") and int(name[3:]) % 2 == 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder of images and results")
    parser.add_argument("--model", default="published")
    parser.add_argument("--other-model", default="shipped", help="weights of the case that is made with others")
    parser.add_argument("--heads", choices=list(SPOILED_HEADS), default="held-out")
    parser.add_argument("--lines", action="store_true", help="print the reasons of each flagged case")
    args = parser.parse_args()

    good = args.work / "good"
    _write_heads(args.shared, good / "images")
    _run(good, args.model)
    cases = find_finished_cases(good / "results")
    _print_good(cases, args.heads, args.lines)

    spoiled = args.work / f"spoiled-{args.heads}"
    places = {case.name: case for case in cases}
    heads = SPOILED_HEADS[args.heads]
    made = {}
    for number, (what, spoil) in enumerate(SPOILS.items()):
        name = heads[number % len(heads)]
        made[f"s{number:02d}"] = (what, name)
        _write_spoiled(spoil, places[f"train_{name}"], spoiled / "images" / f"s{number:02d}.nii.gz")
    _run(spoiled, args.model)
    verdicts = {row["case"]: row for row in _read_rows(spoiled / "results/sclimbic_qa_flags_all.csv")}
    verdicts["other"] = _other_weights(args, good, heads[0])
    made["other"] = (OTHER_WEIGHTS, heads[0])
    _print_spoiled(made, verdicts)


def _write_heads(shared: Path, folder: Path) -> None:
    """The images of the good heads, once: those of t1/, qc/ and the conformed ones of train/."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("t1", "qc"):
        for image in sorted((shared / "data" / kind).iterdir()):
            link = folder / f"{kind}_{image.name}"
            if not link.exists():
                link.symlink_to(image)
    for packed in sorted((shared / "data/train").glob("*.npz")):
        image = folder / f"train_{packed.stem}.nii.gz"
        if not image.exists():
            with np.load(packed) as content:
                write_volume(Volume(content["t1"], Grid(content["t1"].shape, content["vox2ras"])), image)


def _write_spoiled(spoil: Spoil, case: FinishedCase, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        assert case.t1 is not None
        write_volume(spoil(read_volume(case.t1), read_volume(case.segmentation)), path)


def _run(folder: Path, model: str) -> None:
    """Segment a folder of images; what is done stays."""
    words = f"--i {folder / 'images'} --o {folder / 'results'} --model {model} --conform --write_qa_stats --quiet"
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        segment([*words.split(), "--no-cite-sclimbic"])


def _other_weights(args: argparse.Namespace, good: Path, head: str) -> dict[str, str]:
    """The verdict of a case that was made with other weights than the rest of its folder."""
    image = good / "images" / f"train_{head}.nii.gz"
    words = f"--i {image} --o {good / 'results' / OTHER_FILE} --model {args.other_model} --quiet --no-cite-sclimbic"
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        segment(words.split())
    (case,) = [case for case in find_finished_cases(good / "results") if case.segmentation.name == OTHER_FILE]
    for left in (good / "results").glob("other.*"):
        left.unlink()
    kinds = " ".join(dict.fromkeys(flag.kind for flag in case.verdict.flags))
    return {"verdict": case.verdict.verdict, "kinds": kinds, "reasons": ""}


def _read_rows(path: Path) -> Iterator[dict[str, str]]:
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            cells = [value for key, value in row.items() if key not in ("case", "verdict", "n_flags", "reasons")]
            kinds = dict.fromkeys(kind for cell in cells for kind in cell.split() if kind not in ("-", "NA"))
            yield {**row, "kinds": " ".join(kinds)}


def _print_good(cases: list[FinishedCase], heads: str, lines: bool) -> None:
    groups: dict[str, Callable[[str], bool]] = {"held-out": lambda name: not is_learned(name), "learned": is_learned}
    print("| heads | set | cases | good | look | bad |\n|---|---|---|---|---|---|")
    for kind in ("t1", "train"):
        for group, belongs in groups.items():
            some = [case for case in cases if case.name.startswith(f"{kind}_")]
            some = [
                case for case in some if belongs(case.name[len(kind) + 1 :]) and case.name[len(kind) + 1 :] not in LOST
            ]
            count = [sum(case.verdict.verdict == verdict for case in some) for verdict in ("good", "look", "bad")]
            print(f"| {kind} | {group} | {len(some)} | {' | '.join(map(str, count))} |")
    for case in cases:
        name = case.name.partition("_")[2]
        if name in LOST:
            print(f"| {case.name} | lost structures | 1 | verdict {case.verdict.verdict} | | |")
    if lines:
        for case in cases:
            name = case.name.partition("_")[2]
            if case.verdict.flags and is_learned(name) == (heads == "learned"):
                print(case.name, case.verdict.verdict, "; ".join(flag.reason for flag in case.verdict.flags))


def _print_spoiled(made: dict[str, tuple[str, str]], verdicts: dict[str, dict[str, str]]) -> None:
    print("\n| spoiled copy | head | verdict | flags |\n|---|---|---|---|")
    found = 0
    for key, (what, head) in made.items():
        row = verdicts[key]
        found += row["verdict"] != "good"
        failed = f": {row['reasons'][:60]} ..." if row["kinds"] == "FAILED" else ""
        print(f"| {what} | {head} | {row['verdict']} | {row['kinds']}{failed} |")
    print(f"\n{found} of {len(made)} found")


if __name__ == "__main__":
    main()

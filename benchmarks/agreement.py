"""How far two sets of results differ, case by case: label voxels, counts, volumes, posteriors.

    python benchmarks/agreement.py OURS THEIRS

Both are output folders of folder mode, or subjects directories. Results are paired by their names.
"""

import argparse
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from fs_sclimbic import read_stats

HEADER = (
    f"{'case':<24s} {'labels':>7s} {'flips':>6s} {'NVoxels':>8s} {'volume %':>9s} {'posterior':>10s} "
    f"{'geometry mm':>12s} {'eTIV mm3':>9s}"
)


def load(path: Path) -> Any:
    """An image of any kind that nibabel knows."""
    return nib.load(path)


def compare(ours: Path, theirs: Path) -> str:
    """One line for one case; both are label images, the other files lie where the tools put them."""
    mine, other = load(ours), load(theirs)
    labels, expected = np.asarray(mine.dataobj), np.asarray(other.dataobj)
    geometry = np.abs(mine.affine - other.affine).max()
    text = f"{np.count_nonzero(expected):>7d} {np.count_nonzero(labels != expected):>6d}"
    my_stats, their_stats = (stats_of(path) for path in (ours, theirs))
    if my_stats and their_stats:
        a, b = read_stats(my_stats), read_stats(their_stats)
        rows = list(zip(a.structures, b.structures, strict=True))
        count = max(abs(x.n_voxels - y.n_voxels) for x, y in rows)
        volume = max(abs(x.volume_mm3 - y.volume_mm3) / max(y.volume_mm3, 1e-9) for x, y in rows) * 100
        etiv = f"{abs(a.etiv_mm3 - b.etiv_mm3):>9.3f}" if a.etiv_mm3 and b.etiv_mm3 else f"{'-':>9s}"
        text += f" {count:>8d} {volume:>9.5f}"
    else:
        text, etiv = f"{text} {'-':>8s} {'-':>9s}", f"{'-':>9s}"
    my_posteriors, their_posteriors = (posteriors_of(path) for path in (ours, theirs))
    if my_posteriors.is_file() and their_posteriors.is_file():
        p, q = load(my_posteriors), load(their_posteriors)
        geometry = max(geometry, np.abs(p.affine - q.affine).max())
        text += (
            f" {np.abs(np.asarray(p.dataobj) - np.asarray(q.dataobj)).max():>10.1e}"
            if p.shape == q.shape
            else f"{'shape':>11s}"
        )
    else:
        text += f" {'-':>10s}"
    return f"{text} {geometry:>12.1e} {etiv}"


def stats_of(labels: Path) -> Path | None:
    """Stats file of a label image: beside it, or in the subject's stats folder."""
    stem = labels.name.removesuffix(".gz").rsplit(".", 1)[0]
    candidates = (labels.with_name(f"{stem}.stats"), labels.parents[1] / "stats" / f"{stem}.stats")
    return next((path for path in candidates if path.is_file()), None)


def posteriors_of(labels: Path) -> Path:
    """Posteriors of a label image."""
    suffix = ".nii.gz" if labels.name.endswith(".nii.gz") else labels.suffix
    return labels.with_name(labels.name.removesuffix(suffix) + f".posteriors{suffix}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", type=Path)
    parser.add_argument("theirs", type=Path)
    args = parser.parse_args()
    for folder in (args.ours, args.theirs):
        if not folder.is_dir():
            parser.error(f"{folder}: expected a folder of results")
    print(HEADER)
    pairs = [
        (args.ours / path.relative_to(args.theirs), path)
        for pattern in ("*.sclimbic.*", "*/mri/sclimbic.mgz")
        for path in sorted(args.theirs.glob(pattern))
        if path.name.endswith((".mgz", ".nii.gz", ".nii")) and "posteriors" not in path.name
    ]
    for ours, theirs in pairs:
        name = theirs.parents[1].name if theirs.parent.name == "mri" else theirs.name.split(".sclimbic")[0]
        print(f"{name:<24s} {compare(ours, theirs) if ours.is_file() else 'missing'}")


if __name__ == "__main__":
    main()

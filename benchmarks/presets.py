"""How much volumes change when a head is moved: with the published settings, parts of the study preset, and all of it.

    python benchmarks/presets.py IMAGE... --moves 10 --model published --threads 2

Each head is moved as in repeatability.py (rotation of 2-5 degrees, shift of 1-3 mm, cubic splines) and segmented again.
The table gives the change of a structure's volume, in percent of the unmoved head's: the mean of its absolute value
over moves and structures, and how far each setting moves the volumes of the unmoved heads.
"""

import argparse
from pathlib import Path

import numpy as np
from moves import moved, random_move
from numpy.typing import NDArray

from fs_sclimbic import Options, Predictor, Volume, load_model, read_volume, segment

DEGREES, MM = (2.0, 5.0), (1.0, 3.0)
SETTINGS = {
    "published": Options(conform=True),
    "4 starts": Options(conform=True, average_shifts=4),
    "percentile 99.9": Options(conform=True, percentile=99.9),
    "4 starts, percentile 99.9": Options(conform=True, average_shifts=4, percentile=99.9),
    "study": Options.study(conform=True),
}


def volumes_by_setting(t1: Volume, model: Predictor) -> NDArray[np.float64]:
    """Volumes (mm^3) of all structures, shape (settings, structures)."""
    return np.array(
        [[row.volume_mm3 for row in segment(t1, model, options).stats.structures] for options in SETTINGS.values()]
    )


def main() -> None:
    """Print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--moves", type=int, default=10)
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    model = load_model(args.model, threads=args.threads)
    rng = np.random.default_rng(1)
    changes, shifts = [], []
    print(f"| head | {' | '.join(SETTINGS)} |\n|---|{'---|' * len(SETTINGS)}")
    for path in args.images:
        t1 = read_volume(path)
        still = volumes_by_setting(t1, model)
        again = [volumes_by_setting(moved(t1, random_move(rng, DEGREES, MM)), model) for _ in range(args.moves)]
        changes.append(100 * np.abs(np.array(again) / still - 1).mean(axis=(0, 2)))
        shifts.append(100 * (still / still[0] - 1))
        print(f"| {path.name.split('.')[0]} | {' | '.join(f'{x:.2f}' for x in changes[-1])} |", flush=True)
    mean = np.mean(changes, axis=0)
    print(f"| mean | {' | '.join(f'{x:.2f}' for x in mean)} |")
    print(f"| less than published, % | {' | '.join(f'{100 * (1 - x / mean[0]):.0f}' for x in mean)} |")
    print(f"| unmoved heads, mean change | {' | '.join(f'{x:+.2f}' for x in np.mean(shifts, axis=(0, 2)))} |")
    print(f"| unmoved heads, largest change | {' | '.join(f'{x:.1f}' for x in np.abs(shifts).max(axis=(0, 2)))} |")


if __name__ == "__main__":
    main()

"""How far one cold or hot voxel, and saturation, move volumes: where the warnings of intensities begin.

    python benchmarks/intensity_range.py IMAGE... --model published --threads 2

One voxel in the corner of the image is set below the darkest voxel, by shares of the image's range, or above the
brightest one, by multiples of the 99.9th percentile of the non-zero voxels; or all above a share of that percentile is
cut off. The tables give the largest change of a structure's volume in percent, and whether a warning was given.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fs_sclimbic import Options, Predictor, SclimbicError, Volume, load_model, read_volume, segment

COLD_SHARES = (0.002, 0.004, 0.007, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 1, 12)
HOT_RATIOS = (1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6, 1.9, 2.5, 4, 10)
SATURATED_SHARES = (0.95, 0.9, 0.8, 0.6)
PUBLISHED = Options(conform=True)


def spoiled_images(t1: Volume) -> Iterator[tuple[str, Volume]]:
    """The image with one cold voxel, one hot voxel, or its bright end cut off, and what was done, in words."""
    data = np.asarray(t1.data, np.float32)
    darkest, brightest = float(data.min()), float(data.max())
    bright = float(np.percentile(data[data != 0], 99.9))
    values = {f"cold {share:g}": darkest - share * (brightest - darkest) for share in COLD_SHARES}
    values |= {f"hot {ratio:g}": darkest + ratio * (bright - darkest) for ratio in HOT_RATIOS}
    for words, value in values.items():
        spoiled = data.copy()
        spoiled[0, 0, 0] = value
        yield words, Volume(spoiled, t1.grid)
    for share in SATURATED_SHARES:
        yield f"saturated {share:g}", Volume(np.minimum(data, darkest + share * (bright - darkest)), t1.grid)


def measure_volumes(t1: Volume, model: Predictor) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Volumes (mm^3) of all structures, and the warnings about intensities."""
    result = segment(t1, model, PUBLISHED)
    volumes = np.array([row.volume_mm3 for row in result.stats.structures])
    return volumes, tuple(warning for warning in result.warnings if "volumes" in warning)


def main() -> None:
    """Print a table for each head."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    model = load_model(args.model, threads=args.threads)
    for path in args.images:
        t1 = read_volume(path)
        plain, warnings = measure_volumes(t1, model)
        print(f"\n| {path.name.split('.')[0]} | largest change, % | mean change, % | warned |\n|---|---|---|---|")
        print(f"| as it is | 0 | 0 | {'yes' if warnings else 'no'} |")
        for words, image in spoiled_images(t1):
            try:
                volumes, warnings = measure_volumes(image, model)
            except SclimbicError as error:
                print(f"| {words} | failed | | {error} |", flush=True)
                continue
            change = 100 * (volumes / plain - 1)
            told = "yes" if warnings else "no"
            print(f"| {words} | {np.abs(change).max():.1f} | {np.abs(change).mean():.2f} | {told} |", flush=True)


if __name__ == "__main__":
    main()

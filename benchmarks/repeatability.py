"""How much volumes change when a head is re-positioned: plain, and averaged over starts of the network's box.

    python benchmarks/repeatability.py IMAGE... --moves 10 --model published --threads 2 --figure repeatability.png

Each head is moved (rotation of 2-5 degrees, shift of 1-3 mm, cubic splines) and segmented again; the change of a
structure's volume is given in percent of the unmoved one, as the mean absolute change over heads and moves.
"""

import argparse
from pathlib import Path

import numpy as np
from moves import moved, random_move
from numpy.typing import NDArray

from fs_sclimbic import Options, Volume, load_model, read_volume
from fs_sclimbic.segmentation.local_prediction import UNSHIFTED, LocalPrediction, Predictor, Shift, predict_box
from fs_sclimbic.segmentation.measure import measure, winning_channels
from fs_sclimbic.segmentation.postprocess import clean_posteriors
from fs_sclimbic.segmentation.segment import predict, prepare

DEGREES, MM = (2.0, 5.0), (1.0, 3.0)

DIAGONAL = [(0, 0, 0), (1, 1, 1), (2, 2, 2), (3, 3, 3)]
EVEN = [(a, b, c) for a in (0, 2) for b in (0, 2) for c in (0, 2)]
LATIN = [(0, 0, 0), (1, 2, 3), (2, 3, 1), (3, 1, 2)]
TETRAHEDRON = [(0, 0, 0), (2, 2, 0), (2, 0, 2), (0, 2, 2)]
PATTERNS: dict[str, list[Shift]] = {
    "plain": [UNSHIFTED],
    "2 diagonal": [DIAGONAL[0], DIAGONAL[2]],
    "2 odd": [DIAGONAL[0], DIAGONAL[1]],
    "2 Latin": LATIN[:2],
    "3 diagonal": DIAGONAL[:3],
    "3 Latin": LATIN[:3],
    "4 diagonal": DIAGONAL,
    "4 Latin": LATIN,
    "4 tetrahedron": TETRAHEDRON,
    "5 Latin and one": [*LATIN, DIAGONAL[2]],
    "7 Latin and diagonal": LATIN + DIAGONAL[1:],
    "8 even": EVEN,
    "10 diagonal and even": DIAGONAL + [s for s in EVEN if s not in DIAGONAL],
    "13 all": DIAGONAL + LATIN[1:] + [s for s in EVEN if s not in DIAGONAL],
}


def volumes_by_pattern(t1: Volume, model: Predictor, patterns: list[str]) -> NDArray[np.float64]:
    """Volumes (mm^3) of all structures, shape (patterns, structures)."""
    options = Options(conform=True)
    prepared = prepare(t1, model.spec, options)
    framed: LocalPrediction = predict(prepared, model, model.spec.prior, options)
    posteriors = {
        start: framed.posteriors
        if start == UNSHIFTED
        else predict_box(prepared.conformed, model, framed.box, None, start)
        for start in {start for pattern in patterns for start in PATTERNS[pattern]}
    }
    rows = []
    for pattern in patterns:
        mean = np.mean([posteriors[start].data for start in PATTERNS[pattern]], axis=0)
        average = Volume(mean, framed.posteriors.grid)
        clean = clean_posteriors(average, winning_channels(average))
        assert clean is not None
        stats = measure(clean.posteriors, winning_channels(clean.posteriors), model.spec.colors)
        rows.append([row.volume_mm3 for row in stats.structures])
    return np.array(rows)


def table(title: str, columns: list[str], rows: list[tuple[str, NDArray[np.float64]]]) -> str:
    """A Markdown table."""
    lines = [f"| {title} | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    return "\n".join(lines + [f"| {name} | {' | '.join(f'{x:.2f}' for x in values)} |" for name, values in rows]) + "\n"


def draw(path: Path, names: list[str], changes: dict[str, NDArray[np.float64]]) -> None:
    """Bars of the mean absolute change of each structure, for some patterns."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    width = 0.8 / len(changes)
    for i, (pattern, values) in enumerate(changes.items()):
        axes.bar(np.arange(len(names)) + i * width, values, width, label=pattern)
    axes.set_xticks(np.arange(len(names)) + 0.4 - width / 2, names, rotation=35, ha="right")
    axes.set_ylabel("mean absolute volume change, %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=len(changes), loc="lower left", bbox_to_anchor=(0, 1))
    figure.savefig(path, dpi=110)


def main() -> None:
    """Print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--moves", type=int, default=10)
    parser.add_argument("--patterns", nargs="+", choices=PATTERNS, default=list(PATTERNS), help="the first is the base")
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--figure", type=Path, help="needs all patterns")
    parser.add_argument("--save", type=Path, help="keep the volumes (.npz)")
    args = parser.parse_args()
    model = load_model(args.model, threads=args.threads)
    rng = np.random.default_rng(1)
    names = [structure.name for structure in model.spec.colors.foreground]
    heads, changes, plain = [], [], []
    for path in args.images:
        t1 = read_volume(path)
        still = volumes_by_pattern(t1, model, args.patterns)
        again = np.array(
            [
                volumes_by_pattern(moved(t1, random_move(rng, DEGREES, MM)), model, args.patterns)
                for _ in range(args.moves)
            ]
        )
        heads.append(path.parts[-3] if path.parent.name == "mri" else path.name.split(".")[0])
        changes.append(100 * (again / still - 1))
        plain.append(100 * (still / still[0] - 1))
        mean = np.abs(changes[-1]).mean((0, 2))
        print(heads[-1], " ".join(f"{n}: {x:.2f}" for n, x in zip(args.patterns, mean, strict=True)), flush=True)
        if args.save:
            np.savez(args.save, changes=np.array(changes), heads=heads, names=names, patterns=args.patterns)
    change = np.array(changes)  # heads, moves, patterns, structures
    size, bias = np.abs(change).mean((0, 1)), change.mean((0, 1))
    patterns = args.patterns
    print(f"\nmean absolute volume change, %, {len(heads)} heads with {args.moves} moves each\n")
    rows = [(name, size[:, i]) for i, name in enumerate(names)]
    print(table("structure", patterns, [*rows, ("mean", size.mean(1))]))
    print(table("head", patterns, [(h, np.abs(change[i]).mean((0, 2))) for i, h in enumerate(heads)]))
    print(table("mean change (bias of re-positioning)", patterns, [("mean", bias.mean(1))]))
    print(table("unmoved heads against plain, mean", patterns, [("mean", np.mean(plain, axis=(0, 2)))]))
    if args.figure:
        draw(
            args.figure,
            names,
            {p: size[patterns.index(p)] for p in ("plain", "2 diagonal", "4 Latin", "7 Latin and diagonal")},
        )


if __name__ == "__main__":
    main()

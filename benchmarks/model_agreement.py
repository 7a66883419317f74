"""How near a model comes to the published network: Dice and volumes on held-out heads, plain and changed.

    python benchmarks/model_agreement.py HEADS docs/default_model.tsv --split test --model shipped

HEADS is the folder of prepared heads (.npz) of a training list; they hold the published network's posteriors. With
``--changes`` both networks see changed copies too; the published one (``--model published`` must find it) is compared
with its own result on the plain head, brought along, so that each network's loss can be read side by side.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fs_sclimbic import load_model
from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.segmentation.measure import measure, winning_channels
from fs_sclimbic.segmentation.postprocess import clean_posteriors
from fs_sclimbic.training.dataset import Example, HeadFiles, read_example, read_list
from fs_sclimbic.training.trainer import dice_scores

FOV = 160
# Changed copies are cut to a box on the multiples of 4, with the 24 voxels around the structures that the network sees.
BOX = 112
COLORS = read_ctab()
NAMES = [structure.name for structure in COLORS.foreground]
Change = Callable[[NDArray[np.float32], NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]


def rotated(image: Any, posteriors: Any) -> tuple[Any, Any]:
    """20 degrees about the axis (1, 1, 1), through the middle of the box."""
    angle, axis = np.deg2rad(20), np.full(3, 3**-0.5)
    cross = np.cross(np.eye(3), axis)
    matrix = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return _moved(image, posteriors, matrix, np.zeros(3))


def shifted(image: Any, posteriors: Any) -> tuple[Any, Any]:
    """15 mm: 9 to the right, 12 up."""
    return _moved(image, posteriors, np.eye(3), np.array([9, 0, 12]))


def noisy(image: Any, posteriors: Any) -> tuple[Any, Any]:
    """White noise of sd 20 on the scale 0-255; magnitude images have no negative values."""
    noise = np.random.default_rng(0).standard_normal(image.shape, np.float32)
    return np.clip(image + 20 / 255 * noise, 0, None), posteriors


def thick(image: Any, posteriors: Any) -> tuple[Any, Any]:
    """Slices of 2 mm from top to bottom, interpolated back to 1 mm."""
    slices = (image[..., ::2] + image[..., 1::2]) / 2
    back = ndimage.zoom(slices, (1, 1, 2), order=1, grid_mode=True, mode="nearest")
    return back.astype(np.float32), posteriors


CHANGES: dict[str, Change] = {
    "rotated 20 deg": rotated,
    "shifted 15 mm": shifted,
    "noise sd 20": noisy,
    "2 mm slices": thick,
}


def _moved(image: Any, posteriors: Any, matrix: Any, shift: Any) -> tuple[Any, Any]:
    middle = (np.array(image.shape) - 1) / 2
    offset = middle - matrix @ (middle + shift)
    frames = [ndimage.affine_transform(posteriors[..., i], matrix, offset, order=1) for i in range(len(COLORS))]
    moved = np.stack(frames, -1)
    moved[..., 0] += 1 - moved.sum(-1)
    return ndimage.affine_transform(image, matrix, offset, order=1), moved


def whole_posteriors(example: Example) -> NDArray[np.float32]:
    """The published network's posteriors over the whole box of the head."""
    posteriors = np.zeros((*example.image.shape, len(COLORS)), np.float32)
    posteriors[..., 0] = 1
    inside = tuple(slice(s, s + n) for s, n in zip(example.start, example.targets.shape[:3], strict=True))
    posteriors[inside] = example.targets / np.float32(255)
    return posteriors


def cut(array: NDArray[Any], around: NDArray[np.float64]) -> NDArray[Any]:
    """A box of 112 voxels around a point, on the multiples of 4."""
    start = np.clip(np.rint((around - BOX / 2) / 4).astype(int) * 4, 0, FOV - BOX)
    return array[tuple(slice(s, s + BOX) for s in start)]


def labels_of(model: Any, image: NDArray[Any]) -> tuple[NDArray[np.int_], list[float]]:
    """Labels of a head whose intensities are stretched to 0-1, and the volumes of all structures, mm^3."""
    stretched = (image - image.min()) / (image.max() - image.min())
    grid = Grid((image.shape[0], image.shape[1], image.shape[2]), np.eye(4))
    posteriors = model.predict(Volume(stretched.astype(np.float32), grid))
    return posteriors.data.argmax(-1), volumes_of(posteriors)


def volumes_of(posteriors: Volume) -> list[float]:
    """Volumes as they stand in the stats file, mm^3."""
    clean = clean_posteriors(posteriors, winning_channels(posteriors))
    if clean is None:
        return [0.0] * len(NAMES)
    winner = winning_channels(clean.posteriors)
    return [row.volume_mm3 for row in measure(clean.posteriors, winner, COLORS, exclude=frozenset()).structures]


def table(title: str, columns: list[str], rows: list[tuple[str, list[float]]], digits: int = 3) -> str:
    """A Markdown table."""
    lines = [f"| {title} | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    lines += [f"| {name} | {' | '.join(f'{value:.{digits}f}' for value in values)} |" for name, values in rows]
    return "\n".join(lines) + "\n"


def plain(sources: list[HeadFiles], model: Any, folder: dict[str, Example], whole: set[str]) -> None:
    """Whole boxes of unchanged heads: Dice, volumes, labels far from the structures, lost structures."""
    dice, ours, theirs = {}, {}, {}
    for source in sources:
        example = folder[source.name]
        truth = whole_posteriors(example)
        labels, volumes = labels_of(model, example.image.astype(np.float32) / 255)
        dice[source.name] = dice_scores(labels, truth.argmax(-1), len(COLORS))
        ours[source.name], theirs[source.name] = volumes, volumes_of(Volume(truth, Grid((FOV, FOV, FOV), np.eye(4))))
        near = ndimage.binary_dilation(truth.argmax(-1) > 0, iterations=8)
        lost = [n for n, i in zip(NAMES, range(1, 14), strict=True) if not (labels == i).any()]
        print(
            f"{source.name:<14s} mean Dice {dice[source.name].mean():.3f}, lowest {dice[source.name].min():.3f} "
            f"({NAMES[int(dice[source.name].argmin())]}), labels > 8 mm away {np.count_nonzero(labels[~near])} of "
            f"{np.count_nonzero(labels)}, lost {', '.join(lost) or 'none'}",
            flush=True,
        )
    groups = {"whole heads": [n for n in dice if n in whole], "stripped": [n for n in dice if n not in whole]}
    rows = []
    for i, name in enumerate(NAMES):
        means = [float(np.mean([dice[n][i] for n in group])) for group in groups.values() if group]
        pairs = np.array([(ours[n][i], theirs[n][i]) for n in dice])
        rows.append((name, [*means, np.corrcoef(pairs.T)[0, 1], 100 * (pairs[:, 0] / pairs[:, 1] - 1).mean()]))
    columns = [f"{name}, n = {len(group)}" for name, group in groups.items() if group]
    rows.append(("mean", list(np.mean([values for _, values in rows], axis=0))))
    print("\n" + table("Dice", [*columns, f"volumes' r, n = {len(dice)}", "volume bias %"], rows))


def changed(sources: list[HeadFiles], model: Any, published: Any, folder: dict[str, Example]) -> None:
    """Changed copies: the mean Dice of either network with the published labels of the plain head, brought along."""
    scores: dict[str, list[list[NDArray[np.float64]]]] = {name: [[], []] for name in ("plain", *CHANGES)}
    for source in sources:
        example = folder[source.name]
        image, truth = (
            cut(a, example.middle) for a in (example.image.astype(np.float32) / 255, whole_posteriors(example))
        )
        for name, change in {"plain": lambda i, p: (i, p), **CHANGES}.items():
            new_image, new_truth = change(image, truth)
            for i, network in enumerate((model, published)):
                labels, _ = labels_of(network, new_image)
                scores[name][i].append(dice_scores(labels, new_truth.argmax(-1), len(COLORS)))
        print(f"{source.name}: changed copies done", flush=True)
    for i, title in enumerate(("this model", "published network")):
        means = {name: np.nanmean(both[i], axis=0) for name, both in scores.items()}
        rows = [
            (n, [means["plain"][k], *(means[c][k] - means["plain"][k] for c in CHANGES)]) for k, n in enumerate(NAMES)
        ]
        rows.append(("mean", list(np.mean([values for _, values in rows], axis=0))))
        print("\n" + table(f"Dice: {title}", ["plain", *CHANGES], rows))


def main() -> None:
    """Print one line a head, then tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("heads", type=Path)
    parser.add_argument("list", type=Path)
    parser.add_argument("--split", nargs="+", default=["test"])
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--changes", action="store_true")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    sources = [source for source in read_list(args.list, args.heads) if source.split in args.split]
    whole = {source.name for source in sources if dict(source.notes).get("head", "").startswith("whole")}
    folder = {source.name: read_example(source, COLORS, FOV) for source in sources}
    plain(sources, load_model(args.model, threads=args.threads), folder, whole)
    if args.changes:
        model, published = (load_model(name, fov=BOX, threads=args.threads) for name in (args.model, "published"))
        changed(sources, model, published, folder)


if __name__ == "__main__":
    main()

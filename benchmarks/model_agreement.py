"""How near models come to the published network: Dice and volumes on held-out heads, plain and changed.

    python benchmarks/model_agreement.py HEADS docs/default_model.tsv --models old.h5 shipped --changes philips ds-01

HEADS is the folder of prepared heads (.npz) of a training list. The truth is what the published network says of each
head from its usual start; it must be installed, or FREESURFER_HOME set. The heads' stored posteriors are its average
over seven starts: how near the network comes to that average of its own is the ceiling for every model that learned
from it.

``--changes`` names heads of which the models see changed copies too. The truth of a copy is the published network's
result on the plain head, brought along, so that losses can be read side by side (``--models shipped published``).
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fs_sclimbic import load_model
from fs_sclimbic.image.box import Box
from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.segmentation.measure import measure, winning_channels
from fs_sclimbic.segmentation.postprocess import clean_posteriors
from fs_sclimbic.training.dataset import Example, HeadFiles, read_example, read_list
from fs_sclimbic.training.validation import dice_scores

FOV = 160
# Copies are cut to a box on the multiples of 4, with the 24 voxels around the structures that the network sees.
BOX = 112
NEAR_VOXELS = 10
FAR_MM = 8
NO_SIGNAL = 0.04
FINE_MM = 0.7
PUBLISHED = "published"
CEILING = "published, 7 starts"
COLORS = read_ctab()
NAMES = [structure.name for structure in COLORS.foreground]
LABELS = len(COLORS)
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


def like_7t(image: Any, posteriors: Any) -> tuple[Any, Any]:
    """Transmit field of a 7T head coil, log of +-0.35 within the box; vessels half as bright again as the brightest."""
    at = np.moveaxis(np.indices(image.shape), 0, -1) / np.array(image.shape) - 0.5
    field = np.exp(0.35 * (1 - 8 * (at**2).sum(-1)) + 0.3 * at[..., 0])
    spoiled = image * field
    middle = tuple(n // 2 for n in image.shape)
    spoiled[middle[0], 2:6, middle[2]] = 1.5 * spoiled.max()
    return spoiled.astype(np.float32), posteriors


def like_mp2rage(image: Any, posteriors: Any) -> tuple[Any, Any]:
    """Noise of any brightness where there is no signal, as in the ratio image of an MP2RAGE."""
    parts, _ = ndimage.label(ndimage.uniform_filter(image, 3) < NO_SIGNAL)
    rim = np.unique(np.concatenate([parts[0].ravel(), parts[-1].ravel(), parts[:, -1].ravel(), parts[..., -1].ravel()]))
    outside = np.isin(parts, rim[rim > 0])
    noise = np.random.default_rng(0).random(image.shape, np.float32)
    return np.where(outside, noise, image), posteriors


def fine(image: Any, posteriors: Any) -> tuple[Any, Any]:
    """The image as if taken with voxels of 0.7 mm: splines to that grid, and linearly back, as conforming does."""
    middle = (np.array(image.shape) - 1) / 2
    shape = tuple(int(n / FINE_MM) for n in image.shape)
    fine_middle = (np.array(shape) - 1) / 2
    small = ndimage.affine_transform(
        image, np.full(3, FINE_MM), middle - FINE_MM * fine_middle, output_shape=shape, order=3, mode="nearest"
    )
    back = ndimage.affine_transform(
        np.clip(small, 0, None),
        np.full(3, 1 / FINE_MM),
        fine_middle - middle / FINE_MM,
        output_shape=image.shape,
        order=1,
        mode="nearest",
    )
    return back.astype(np.float32), posteriors


CHANGES: dict[str, Change] = {
    "rotated 20 deg": rotated,
    "shifted 15 mm": shifted,
    "noise sd 20": noisy,
    "2 mm slices": thick,
    "7T-like": like_7t,
    "MP2RAGE-like": like_mp2rage,
    "0.7 mm": fine,
}


def _moved(image: Any, posteriors: Any, matrix: Any, shift: Any) -> tuple[Any, Any]:
    middle = (np.array(image.shape) - 1) / 2
    offset = middle - matrix @ (middle + shift)
    frames = [ndimage.affine_transform(posteriors[..., i], matrix, offset, order=1) for i in range(len(COLORS))]
    moved = np.stack(frames, -1)
    moved[..., 0] += 1 - moved.sum(-1)
    return ndimage.affine_transform(image, matrix, offset, order=1), moved


def cut(array: NDArray[Any], around: NDArray[np.float64]) -> NDArray[Any]:
    """A box of 112 voxels around a point, on the multiples of 4."""
    start = np.clip(np.rint((around - BOX / 2) / 4).astype(int) * 4, 0, FOV - BOX)
    return array[tuple(slice(s, s + BOX) for s in start)]


def near(labels: NDArray[np.int_]) -> Box:
    """The structures and ten voxels around them."""
    found = np.argwhere(labels > 0)
    x, y, z = ((int(low), int(high) + 1) for low, high in zip(found.min(0), found.max(0), strict=True))
    return Box((x[0], y[0], z[0]), (x[1], y[1], z[1])).grown(NEAR_VOXELS).clipped(Box.of_shape(labels.shape))


def posteriors_of(model: Any, image: NDArray[Any], wanted: Box | None = None) -> NDArray[np.float32]:
    """Posteriors of a head whose intensities are stretched to 0-1; zeros outside the wanted box."""
    stretched = ((image - image.min()) / (image.max() - image.min())).astype(np.float32)
    shape = (image.shape[0], image.shape[1], image.shape[2])
    found = model.predict(Volume(stretched, Grid(shape, np.eye(4))), wanted).data
    whole = np.zeros((*shape, LABELS), np.float32)
    whole[..., 0] = 1
    whole[(wanted or Box.of_shape(shape)).slices] = found
    return whole


def stored_posteriors(example: Example) -> NDArray[np.float32]:
    """The published network's average over starts, over the whole image of the head."""
    posteriors = np.zeros((*example.image.shape, LABELS), np.float32)
    posteriors[..., 0] = 1
    inside = tuple(slice(s, s + n) for s, n in zip(example.start, example.targets.shape[:3], strict=True))
    posteriors[inside] = example.targets / np.float32(255)
    return posteriors


def volumes_of(posteriors: NDArray[np.float32]) -> list[float]:
    """Volumes as they stand in the stats file, mm^3."""
    volume = Volume(posteriors, Grid(posteriors.shape[:3], np.eye(4)))
    clean = clean_posteriors(volume, winning_channels(volume))
    if clean is None:
        return [0.0] * len(NAMES)
    winner = winning_channels(clean.posteriors)
    return [row.volume_mm3 for row in measure(clean.posteriors, winner, COLORS, exclude=frozenset()).structures]


def table(title: str, columns: list[str], rows: list[tuple[str, list[float]]], digits: int = 3) -> str:
    """A Markdown table; the last row is the mean of the others."""
    rows = [*rows, ("mean", list(np.mean([values for _, values in rows], axis=0)))]
    lines = [f"| {title} | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    lines += [f"| {name} | {' | '.join(f'{value:.{digits}f}' for value in values)} |" for name, values in rows]
    return "\n".join(lines) + "\n"


def judged(name: str, posteriors: NDArray[np.float32], truth: NDArray[np.int_]) -> NDArray[np.float64]:
    """Dice of each structure with the truth; prints a line about the head."""
    labels = posteriors.argmax(-1)
    dice = dice_scores(labels, truth, LABELS)
    around = ndimage.binary_dilation(truth > 0, iterations=FAR_MM)
    lost = [n for n, i in zip(NAMES, range(1, LABELS), strict=True) if (truth == i).any() and not (labels == i).any()]
    print(
        f"{name}: mean Dice {np.nanmean(dice):.3f}, lowest {np.nanmin(dice):.3f} ({NAMES[int(np.nanargmin(dice))]}), "
        f"labels > {FAR_MM} mm away {np.count_nonzero(labels[~around])} of {np.count_nonzero(labels)}, "
        f"lost {', '.join(lost) or 'none'}",
        flush=True,
    )
    return dice


def plain(examples: list[Example], models: dict[str, Any], published: Any, whole: set[str], everywhere: bool) -> None:
    """Unchanged heads: Dice, volumes, labels far from the structures, lost structures."""
    dice: dict[str, list[NDArray[np.float64]]] = {name: [] for name in (*models, CEILING)}
    volumes: dict[str, list[list[float]]] = {name: [] for name in (*models, CEILING, PUBLISHED)}
    for example in examples:
        image = example.image.astype(np.float32) / 255
        around = near(stored_posteriors(example).argmax(-1))
        found = posteriors_of(published, image, around)
        truth = found.argmax(-1)
        volumes[PUBLISHED].append(volumes_of(found))
        for name in (*models, CEILING):
            if name == CEILING:
                found = stored_posteriors(example)
            else:
                found = posteriors_of(models[name], image, None if everywhere else around)
            dice[name].append(judged(f"{example.name:<14s} {name}", found, truth))
            volumes[name].append(volumes_of(found))
    is_whole = np.array([example.name in whole for example in examples])
    theirs = np.array(volumes[PUBLISHED])
    for name, scores in dice.items():
        values, ours = np.array(scores), np.array(volumes[name])
        rows = []
        for i, structure in enumerate(NAMES):
            means = [np.nanmean(values[group, i]) for group in (is_whole, ~is_whole) if group.any()]
            bias = 100 * (ours[:, i] / theirs[:, i] - 1)
            r = np.corrcoef(ours[:, i], theirs[:, i])[0, 1]
            rows.append((structure, [*means, np.nanmean(values[:, i]), r, bias.mean(), np.abs(bias).mean()]))
        groups = [f"{n}, n = {g.sum()}" for n, g in (("whole heads", is_whole), ("brain only", ~is_whole)) if g.any()]
        columns = [*groups, f"all, n = {len(examples)}", "volumes' r", "bias %", "mean absolute difference %"]
        print("\n" + table(f"Dice: {name}", columns, rows))


def changed(examples: list[Example], models: dict[str, Any], published: Any) -> None:
    """Changed copies: mean Dice of each network with the published labels of the plain head, brought along."""
    scores: dict[str, dict[str, list[NDArray[np.float64]]]] = {
        name: {change: [] for change in ("plain", *CHANGES)} for name in models
    }
    for example in examples:
        image = example.image.astype(np.float32) / 255
        truth = posteriors_of(published, image, near(stored_posteriors(example).argmax(-1)))
        image, truth = (cut(array, example.middle) for array in (image, truth))
        for name, change in {"plain": lambda i, p: (i, p), **CHANGES}.items():
            new_image, posteriors = change(image, truth)
            new_truth = posteriors.argmax(-1)
            for network, model in models.items():
                labels = posteriors_of(model, new_image, near(new_truth)).argmax(-1)
                scores[network][name].append(dice_scores(labels, new_truth, LABELS))
        print(f"{example.name}: changed copies done", flush=True)
    for network, copies in scores.items():
        means = {name: np.nanmean(np.array(values), axis=0) for name, values in copies.items()}
        rows = [
            (n, [means["plain"][k], *(means[c][k] - means["plain"][k] for c in CHANGES)]) for k, n in enumerate(NAMES)
        ]
        print("\n" + table(f"Dice: {network}", ["plain", *CHANGES], rows))


def main() -> None:
    """Print one line a head, then tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("heads", type=Path)
    parser.add_argument("list", type=Path)
    parser.add_argument("--split", nargs="+", default=["test"])
    parser.add_argument("--models", nargs="+", default=["shipped"])
    parser.add_argument("--near", action="store_true", help="look at the structures and 10 voxels around only; quicker")
    parser.add_argument("--changes", nargs="*", default=[], metavar="HEAD", help="heads to change; 'all' for all")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    sources: list[HeadFiles] = [source for source in read_list(args.list, args.heads) if source.split in args.split]
    whole = {source.name for source in sources if dict(source.notes).get("head", "").startswith("whole")}
    examples = [read_example(source, COLORS, FOV) for source in sources]
    models = {name: load_model(name, threads=args.threads) for name in args.models}
    published = load_model(PUBLISHED, threads=args.threads)
    others = {name: model for name, model in models.items() if name != PUBLISHED}
    plain(examples, others, published, whole, not args.near)
    to_change = [e for e in examples if e.name in args.changes or "all" in args.changes]
    if to_change:
        changed(to_change, models, published)


if __name__ == "__main__":
    main()

"""Shift a model's last biases until its mean volumes on some heads are the published ones.

    python benchmarks/match_volumes.py HEADS docs/default_model.tsv model.h5 matched.h5

HEADS is the folder of prepared heads (.npz) of the list. Heads for training and validation are used, never those for
tests. Whole heads count 0.4 in all, stripped ones 0.6. The published weights must be installed, or FREESURFER_HOME set.

A structure's volume is a sum of posteriors, so one number for each structure, added to its logit, makes it larger or
smaller all over. Dice and cross-entropy leave a bias of some percent; ``--volume-weight`` makes it
smaller.
"""

import argparse
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from model_agreement import COLORS, FOV, LABELS, NAMES, near, posteriors_of, stored_posteriors, volumes_of
from numpy.typing import NDArray

from fs_sclimbic import load_model
from fs_sclimbic.network.architecture import LIKELIHOOD_LAYER
from fs_sclimbic.training.dataset import TRAIN, VALIDATE, read_example, read_list

WHOLE_SHARE = 0.4
ROUNDS = 4
PROBE = 0.05
"""Shift of all logits by which the change of volumes is measured."""
CAUTION = 0.9
"""Of a Newton step."""


def shifted_volumes(heads: list[NDArray[np.float32]], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """Volumes, shape (heads, structures), mm^3, of posteriors whose logits are shifted."""
    rows = []
    for posteriors in heads:
        moved = posteriors * np.exp(shift).astype(np.float32)
        rows.append(volumes_of(moved / moved.sum(-1, keepdims=True)))
    return np.array(rows)


def find_shift(
    heads: list[NDArray[np.float32]], wanted: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One number for each channel, 0 for the background; prints the bias of each round in percent."""
    shift = np.zeros(LABELS)
    probe = np.r_[0, np.full(LABELS - 1, PROBE)]
    for _ in range(ROUNDS):
        volumes = shifted_volumes(heads, shift)
        bias = weights @ np.log(volumes / wanted)
        print("bias, %:", " ".join(f"{name} {100 * value:+.1f}" for name, value in zip(NAMES, bias, strict=True)))
        slope = np.mean(np.log(shifted_volumes(heads, shift + probe) / volumes), axis=0) / PROBE
        shift[1:] -= CAUTION * bias / slope
    return shift


def main() -> None:
    """Print biases and shifts, write the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("heads", type=Path)
    parser.add_argument("list", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    model, published = (load_model(name, threads=args.threads) for name in (str(args.model), "published"))
    found: list[NDArray[np.float32]] = []
    wanted, is_whole = [], []
    for source in read_list(args.list, args.heads):
        if source.split not in (TRAIN, VALIDATE):
            continue
        example = read_example(source, COLORS, FOV)
        image = example.image.astype(np.float32) / 255
        around = near(stored_posteriors(example).argmax(-1))
        # Copies: a slice would keep the whole image in memory.
        found.append(posteriors_of(model, image, around)[around.slices].copy())
        wanted.append(volumes_of(posteriors_of(published, image, around)[around.slices]))
        is_whole.append(dict(source.notes).get("head", "").startswith("whole"))
    whole: Any = np.array(is_whole)
    weights = np.where(whole, WHOLE_SHARE / whole.sum(), (1 - WHOLE_SHARE) / (~whole).sum())
    shift = find_shift(found, np.array(wanted), weights)
    print("shift:", " ".join(f"{name} {value:+.3f}" for name, value in zip(NAMES, shift[1:], strict=True)))
    shutil.copyfile(args.model, args.out)
    with h5py.File(args.out, "r+") as file:
        group = file[LIKELIHOOD_LAYER][LIKELIHOOD_LAYER]
        group["bias:0"][...] += shift.astype(np.float32)


if __name__ == "__main__":
    main()

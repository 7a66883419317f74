"""How long a training step takes, and how long its augmentation would take alone.

    python benchmarks/training.py --backend tensorflow --precision bfloat16 --box 80 80 64

Runs on a made-up head: the work does not depend on what is in it. Losses of the first steps are printed too; two runs
with one seed show whether they repeat on this machine.
"""

import argparse
import os
import statistics
import tempfile
import time

import numpy as np

from fs_sclimbic.network.spec import PRECISIONS
from fs_sclimbic.training.dataset import UINT8_ONE, Example
from fs_sclimbic.training.recipe import Recipe


def made_up_head(fov: int, labels: int) -> Example:
    """Smooth noise, with structures of random labels in the middle."""
    rng = np.random.default_rng(0)
    targets = np.zeros((72, 72, 56, labels), np.uint8)
    chosen = np.kron(rng.integers(0, labels, (9, 9, 7)), np.ones((8, 8, 8), int))
    np.put_along_axis(targets, chosen[..., None], UINT8_ONE, -1)
    start = tuple(int((fov - n) // 2) for n in targets.shape[:3])
    image = rng.integers(0, 255, (fov,) * 3, np.uint8)
    return Example("made up", image, targets, (start[0], start[1], start[2]), np.full(3, fov / 2), 0.8)


def main() -> None:
    """Print a line for each part of a step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("tensorflow", "jax", "torch"), default="tensorflow")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--box", type=int, nargs=3, default=(80, 80, 80))
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--cuda-device")
    args = parser.parse_args()
    os.environ["KERAS_BACKEND"] = args.backend

    from fs_sclimbic.image.labels import read_ctab
    from fs_sclimbic.network.libraries import start_keras

    start_keras()
    import keras

    from fs_sclimbic.network.backend import configure
    from fs_sclimbic.training.generator import Generator
    from fs_sclimbic.training.mirror import mirrored_channels
    from fs_sclimbic.training.trainer import Trainer

    configure(args.threads, args.cuda_device)
    colors = read_ctab()
    recipe = Recipe(box=tuple(args.box), precision=args.precision, epochs=1, steps=args.steps, checkpoint_steps=10**9)
    head = made_up_head(recipe.fov, len(colors))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer([head], [], colors=colors, recipe=recipe, folder=folder)
        times, losses, last = [], [], time.perf_counter()
        for _, loss, _ in trainer.run():
            times.append(time.perf_counter() - last)
            losses.append(loss)
            last = time.perf_counter()
    generator = Generator([head], recipe.augmentation, recipe.box, recipe.seed, mirrored_channels(colors))
    made = []
    for number in range(args.steps):
        began = time.perf_counter()
        image, targets = generator.batch(number, 1)
        keras.ops.convert_to_numpy(image[0, 0, 0, 0]), keras.ops.convert_to_numpy(targets[0, 0, 0, 0])
        made.append(time.perf_counter() - began)
    step, pair = statistics.median(times[2:-1]), statistics.median(made[2:])
    print(f"{args.backend} {args.precision} box {' x '.join(map(str, recipe.box))}: first step {times[0]:.1f} s, then")
    print(f"step {step:.3f} s; augmentation, which runs beside the step before, takes {pair:.3f} s alone")
    print("losses " + " ".join(f"{loss:.7f}" for loss in losses))


if __name__ == "__main__":
    main()

"""Labels of the box around the structures against those of the whole field of view, on heads and moved heads.

    python benchmarks/exactness.py IMAGE... --moves 20 --model published --threads 2

One line a head: where the network looked, and how many voxels inside the box carry another label (it should be 0).
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from moves import moved, random_move

from fs_sclimbic import Options, Volume, load_model, read_volume
from fs_sclimbic.segmentation.local_prediction import whole_field_of_view
from fs_sclimbic.segmentation.segment import predict, prepare

DEGREES, MM = (0.0, 10.0), (0.0, 15.0)


def heads(paths: list[Path], moves: int, of: int) -> Iterator[tuple[str, Volume]]:
    """Each head as it is; the last ones moved."""
    rng = np.random.default_rng(0)
    for number, path in enumerate(paths):
        t1 = read_volume(path)
        name = path.parts[-3] if path.parent.name == "mri" else path.name.split(".")[0]
        yield name, t1
        for move in range(moves if number < of else 0):
            yield f"{name}, move {move + 1}", moved(t1, random_move(rng, DEGREES, MM))


def main() -> None:
    """Print a line a head and the sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--moves", type=int, default=0, help="random moves of each of the first heads")
    parser.add_argument("--of", type=int, default=3, help="how many heads are moved")
    parser.add_argument("--model")
    parser.add_argument("--ctab")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--engine", default="auto")
    args = parser.parse_args()
    model = load_model(args.model, args.ctab, threads=args.threads, engine=args.engine)
    options = Options(conform=True)
    count = flips = 0
    passes: dict[int, int] = {}
    for name, t1 in heads(args.images, args.moves, args.of):
        prepared = prepare(t1, model.spec, options)
        box = predict(prepared, model, model.spec.prior, options)
        whole = whole_field_of_view(prepared.conformed, model)
        if box.beyond:
            print(f"{name:<28s} beyond the box: {box.notes}", flush=True)
            continue
        there = whole.posteriors.data.argmax(-1)
        found = np.zeros_like(there)
        found[box.box.slices] = box.posteriors.data.argmax(-1)
        inside = np.zeros(there.shape, bool)
        inside[box.box.slices] = True
        flipped = int(np.count_nonzero((found != there) & inside))
        difference = np.abs(whole.posteriors.data[box.box.slices] - box.posteriors.data).max()
        looks = sum(note.startswith("looked") for note in box.notes)
        count, flips, passes[looks] = count + 1, flips + flipped, passes.get(looks, 0) + 1
        print(
            f"{name:<28s} {np.count_nonzero(found):>5d} labels, {flipped} flips, largest difference {difference:.1e}; "
            f"labels outside the box {np.count_nonzero(there[~inside])}; looked {looks} times; {box.notes[-1]}",
            flush=True,
        )
    print(f"{count} heads, {flips} flips; heads by how often the network looked: {passes}")


if __name__ == "__main__":
    main()

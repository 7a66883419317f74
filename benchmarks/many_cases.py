"""A study of thousands of small images with a tiny network: what a case costs besides the network, and memory.

    python benchmarks/many_cases.py [--count 2000] [--threads 1]

Runs the command on a folder of images, then again when all is done, then the merge of the tables. The images are small
heads, no pictures are drawn, and the network has two features: what is left are hashes, locks, files, records, logs.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from fs_sclimbic.image.labels import ColorTable, Structure, format_ctab
from fs_sclimbic.image.volume import Grid, Volume, write_volume
from fs_sclimbic.network.architecture import network_weights
from fs_sclimbic.network.weights import write_weights

ROOT = Path(__file__).resolve().parents[1]
FEATURES, FOV_MM = 2, 32
SHAPE = (30, 28, 26)
STEEPNESS = 60.0
POLL_S = 0.5


def write_model(folder: Path) -> list[str]:
    """Weights that label the dark and the bright quarter of the intensities, and the flags that choose them."""
    weights = {
        layer: {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        for layer, shapes in network_weights(3, FEATURES, 1).items()
    }
    for layer, arrays in weights.items():
        if "_bn_" in layer:
            arrays["gamma"][:], arrays["moving_variance"][:] = 1, 1 - 1e-3
    for layer in ("unet_conv_downarm_0_0", "unet_conv_downarm_0_1", "unet_conv_uparm_4_0", "unet_conv_uparm_4_1"):
        weights[layer]["kernel"][1, 1, 1, 0, 0] = 1
    for label, (slope, offset) in enumerate(((-1.0, 0.25), (1.0, -0.75)), 1):
        weights["unet_likelihood"]["kernel"][0, 0, 0, 0, label] = slope * STEEPNESS
        weights["unet_likelihood"]["bias"][label] = offset * STEEPNESS
    write_weights(folder / "tiny.h5", weights)
    structures = (Structure(0, "Unknown", (0, 0, 0, 0)), Structure(26, "Dark", (234, 197, 102, 0)))
    colors = ColorTable((*structures, Structure(58, "Bright", (60, 58, 210, 0))))
    (folder / "tiny.ctab").write_text(format_ctab(colors))
    flags = ["--model", str(folder / "tiny.h5"), "--ctab", str(folder / "tiny.ctab")]
    return [*flags, "--fov", str(FOV_MM), "--features", str(FEATURES), "--full-fov", "--no-write_qc"]


def write_images(folder: Path, count: int) -> None:
    """Small heads with a dark and a bright ball, each of another brightness."""
    folder.mkdir()
    vox2ras = np.eye(4)
    vox2ras[:3, 3] = -np.array(SHAPE) / 2
    ras = np.moveaxis(np.indices(SHAPE), 0, -1) + vox2ras[:3, 3]
    balls = [np.linalg.norm(ras - where, axis=-1) < 4 for where in ((-7, 0, 0), (7, 0, 0))]
    data = np.select(balls, [0.0, 1.0], 0.5).astype(np.float32)
    for number in range(count):
        write_volume(Volume(data * (100 + number), Grid(SHAPE, vox2ras)), folder / f"case{number:05d}.mgz")


@dataclass(frozen=True)
class Measured:
    """One run of a command."""

    seconds: float
    processor_s: float
    """Of all its threads; on a busy machine this says more than the clock."""
    memory_mb: list[tuple[int, float]]
    """Number of finished cases, and resident memory then."""
    status: int


def measure(words: Sequence[str], out: Path) -> Measured:
    """Run a command, and look at its memory while it runs."""
    start, seen = time.monotonic(), list[tuple[int, float]]()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call = [sys.executable, "-m", "fs_sclimbic", *words]
    process = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
            seen.append((len(list(out.glob("*.sclimbic.json"))), resident / 1024))
        except (OSError, StopIteration):  # it has just ended
            pass
        time.sleep(POLL_S)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(time.monotonic() - start, processor_s, seen, process.returncode)


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table of times and memory; 0 if every run ended well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="number of cases (default: 2000)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the command (default: 1)")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        flags = write_model(folder)
        write_images(folder / "in", args.count)
        out = folder / "out"
        words = ["--i", str(folder / "in"), "--o", str(out), "--write_volumes", "--threads", str(args.threads), *flags]
        first = measure(words, out)
        again = measure(words, out)
        merge = measure(["merge", str(out)], out)
    tenth = next((mb for done, mb in first.memory_mb if done >= args.count // 10), 0.0)
    last = first.memory_mb[-1][1] if first.memory_mb else 0.0
    print(f"cases {args.count}, threads {args.threads}")
    for name, run in (("first run", first), ("the same command again", again), ("merge", merge)):
        per_case = f"{1000 * run.seconds / args.count:.1f} ms a case"
        print(f"{name}: {run.seconds:.1f} s, {per_case}; processor {run.processor_s:.1f} s")
    print(f"resident memory {tenth:.0f} MB at a tenth of the cases, {last:.0f} MB at the end")
    return max(first.status, again.status, merge.status)


if __name__ == "__main__":
    sys.exit(main())

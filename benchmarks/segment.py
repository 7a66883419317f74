"""Time and memory of whole runs, by engine, precision and threads; beside another command if one is given.

    python benchmarks/segment.py IMAGE --copies 10 --threads 1 2 -- --model published
    python benchmarks/segment.py IMAGE --against "mri_sclimbic_seg --i {image} --o {out} --conform --threads {threads}"
    python benchmarks/segment.py IMAGE --copies 10 --against-folder "mri_sclimbic_seg --i {folder} --o {out} --conform"

Each run is a process of its own, so start-up counts. ``cold`` is one image; ``further`` is what another image
costs in a folder of copies. Commands are timed in turn, so that a machine whose speed drifts is fair to all; medians
are given. What follows ``--`` is passed to mri_sclimbic_seg. At last the network alone is timed: its share of the
machine's rate of matrix products says how much there is left to gain.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MATRIX = 2048
VARIANTS = {
    "openvino float32": ["--engine", "openvino"],
    "openvino bfloat16": ["--engine", "openvino", "--precision", "bfloat16"],
    "openvino float32, 4 shifts": ["--engine", "openvino", "--average-shifts", "4"],
    "openvino float32, full fov": ["--engine", "openvino", "--full-fov"],
    "tensorflow float32": ["--engine", "tensorflow"],
    "tensorflow bfloat16": ["--engine", "tensorflow", "--precision", "bfloat16"],
    "tensorflow float32, full fov": ["--engine", "tensorflow", "--full-fov"],
}
# The network alone, in a process of its own: seconds of a pass over the usual box, and what it computes.
NETWORK = """
import sys, time
import numpy as np
from fs_sclimbic import load_model
from fs_sclimbic.image.box import Box
from fs_sclimbic.network.receptive_field import extents_of
from fs_sclimbic.image.volume import Grid, Volume
engine, precision, threads = sys.argv[1:4]
model = load_model(engine=engine, precision=precision, threads=int(threads))
wanted, image = Box((26, 26, 26), (90, 98, 74)), Box((0, 0, 0), (116, 124, 100))
block = Volume(np.random.default_rng(0).random(image.shape, np.float32), Grid(image.shape, np.eye(4)))
seconds = []
for _ in range(6):
    start = time.perf_counter()
    model.predict(block, wanted)
    seconds.append(time.perf_counter() - start)
extents, features = extents_of(wanted, image), model.spec.features
products, width = 0, 1
for level, part in enumerate(extents.down):
    for grown, inputs in ((1, width), (0, features * 2**level)):
        products += part.grown(grown).voxels * 27 * inputs * features * 2**level
    width = features * 2**level
for level, part in enumerate(extents.merged):
    narrow = features * 2**level
    products += part.grown(-1).voxels * 27 * 3 * narrow * narrow + part.grown(-2).voxels * 27 * narrow**2
print(sorted(seconds)[len(seconds) // 2], 2 * products / 1e9)
"""


@dataclass(frozen=True)
class Cost:
    """What one process cost."""

    seconds: float
    peak_gb: float
    """Peak resident memory."""


def run(command: Sequence[str]) -> Cost:
    """Run a command and wait for it; its output is dropped, a failure ends the benchmark."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{shlex.join(command)} ended with {process.returncode}:\n{errors.decode()}")
    return Cost(time.perf_counter() - start, usage.ru_maxrss / 1e6)


def sgemm_gflops(threads: int) -> float:
    """The machine's rate of float32 matrix products, the bound of every convolution."""
    # In a process of its own: the number of BLAS threads is fixed when NumPy starts.
    script = (
        f"import numpy as np, time; a = np.ones(({MATRIX}, {MATRIX}), 'f4'); a @ a; t = time.perf_counter()\n"
        f"for _ in range(8): a @ a\nprint(8 * 2 * {MATRIX} ** 3 / (time.perf_counter() - t) / 1e9)"
    )
    count = str(threads)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": count, "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count}
    return float(
        subprocess.run([sys.executable, "-c", script], env=environment, check=True, stdout=subprocess.PIPE).stdout
    )


def ours(image: Path, out: Path, threads: int, flags: Sequence[str]) -> list[str]:
    """Our command on an image or a folder."""
    return [
        *(sys.executable, "-m", "fs_sclimbic", "segment", "--i", str(image), "--o", str(out), "--conform", "--quiet"),
        *("--threads", str(threads), *flags),
    ]


def other(template: str, threads: int, **paths: Path) -> list[str]:
    """Another command."""
    return shlex.split(
        template.format(threads=threads, **{name: shlex.quote(str(path)) for name, path in paths.items()})
    )


def row(name: str, cold: Sequence[Cost], cohort: Sequence[Cost], copies: int) -> str:
    """A line of the table."""
    first = statistics.median(cost.seconds for cost in cold) if cold else float("nan")
    spread = f"{min(c.seconds for c in cold):.2f}-{max(c.seconds for c in cold):.2f}" if cold else ""
    line = f"{name:<42s} {first:7.2f} {spread:>12s} {max((c.peak_gb for c in cold), default=float('nan')):6.2f}"
    if cohort:
        together = statistics.median(cost.seconds for cost in cohort)
        line += f" {(together - first) / (copies - 1):8.2f} {together:8.1f} {max(c.peak_gb for c in cohort):6.2f}"
    return line


def main() -> None:
    """Print one line a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path)
    parser.add_argument("--copies", type=int, default=0, help="images of the folder; without it, no folder is run")
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--against", help="another command, with {image}, {out} and {threads}, timed in turn with ours")
    parser.add_argument("--against-folder", help="the same with {folder}, for the folder of copies")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    args, flags_of_all = parser.parse_args(words[:end]), words[end + 1 :]
    help_seconds = [run([sys.executable, "-m", "fs_sclimbic", "segment", "--help"]).seconds for _ in range(5)]
    print(f"{os.cpu_count()} processors, NumPy {np.__version__}; --help {statistics.median(help_seconds):.2f} s")
    for threads in args.threads:
        rate = sgemm_gflops(threads)
        print(f"\nthreads {threads}, sgemm {rate:.0f} GFLOP/s\n")
        print(f"{'':<42s} {'cold s':>7s} {'range':>12s} {'GB':>6s} {'further':>8s} {'folder s':>8s} {'GB':>6s}")
        costs: dict[str, tuple[list[Cost], list[Cost]]] = {name: ([], []) for name in (*args.variants, "other command")}
        for _ in range(args.repeats):
            with tempfile.TemporaryDirectory() as scratch:
                work = Path(scratch)
                (work / "folder").mkdir()
                for copy in range(args.copies):
                    (work / "folder" / f"{copy:03d}_{args.image.name}").symlink_to(args.image.resolve())
                for number, name in enumerate(args.variants):
                    flags = [*VARIANTS[name], *flags_of_all]
                    costs[name][0].append(run(ours(args.image, work / f"{number}.mgz", threads, flags)))
                    if args.copies:
                        costs[name][1].append(run(ours(work / "folder", work / f"out{number}", threads, flags)))
                if args.against:
                    command = other(args.against, threads, image=args.image, out=work / "other.mgz")
                    costs["other command"][0].append(run(command))
                if args.against_folder and args.copies:
                    command = other(args.against_folder, threads, folder=work / "folder", out=work / "other")
                    costs["other command"][1].append(run(command))
        for name, (cold, cohort) in costs.items():
            if cold or cohort:
                print(row(name, cold, cohort, args.copies), flush=True)
        print("\nthe network alone, a box of 64 x 72 x 48 voxels")
        for name in args.variants:
            if "," in name:
                continue
            done = subprocess.run(
                [sys.executable, "-c", NETWORK, *name.split(), str(threads)], check=True, stdout=subprocess.PIPE
            )
            seconds, gflop = map(float, done.stdout.split())
            print(
                f"{name:<42s} {seconds:7.2f} s  {gflop / seconds:6.0f} GFLOP/s, {gflop / seconds / rate:.2f} of sgemm"
            )


if __name__ == "__main__":
    main()

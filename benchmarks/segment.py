"""Time and memory of whole runs: help, one image cold, a folder; beside another command if one is given.

    python benchmarks/segment.py IMAGE --threads 2 --folder FOLDER -- --conform
    python benchmarks/segment.py IMAGE --against "mri_sclimbic_seg --i {image} --o {out} --conform"

Each run is a process of its own, so start-up counts. What follows ``--`` is passed to mri_sclimbic_seg.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MATRIX = 2048


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


def row(name: str, costs: Sequence[Cost], images: int = 1) -> str:
    """A line of the table: median, range, memory."""
    seconds = [cost.seconds for cost in costs]
    each = f"{statistics.median(seconds) / images:9.2f}" if images > 1 else f"{'':9s}"
    spread = f"{min(seconds):.1f}-{max(seconds):.1f}"
    return f"{name:<34s} {statistics.median(seconds):8.2f} {spread:>12s} {each} {max(c.peak_gb for c in costs):8.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path)
    parser.add_argument("--folder", type=Path, help="folder of images for the cohort rows")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--against", help="another command, with {image} and {out}, timed in turn with ours")
    parser.add_argument("flags", nargs="*", help="further flags of mri_sclimbic_seg, after --")
    args = parser.parse_args()

    ours = [sys.executable, "-m", "fs_sclimbic", "segment"]
    common = ["--threads", str(args.threads), "--quiet", *args.flags]

    def cold(out: Path) -> Cost:
        return run([*ours, "--i", str(args.image), "--o", str(out / "seg.mgz"), *common])

    def other(out: Path) -> Cost:
        command = args.against.format(image=shlex.quote(str(args.image)), out=shlex.quote(str(out / "seg.mgz")))
        return run(shlex.split(command))

    def cohort(out: Path) -> Cost:
        return run([*ours, "--i", str(args.folder), "--o", str(out / "results"), *common])

    def fresh(action: Callable[[Path], Cost]) -> Cost:
        with tempfile.TemporaryDirectory() as folder:
            return action(Path(folder))

    print(
        f"{os.cpu_count()} processors, {args.threads} threads used, sgemm {sgemm_gflops(args.threads):.0f} GFLOP/s, "
        f"NumPy {np.__version__}\n"
    )
    print(f"{'run':<34s} {'median s':>8s} {'range s':>12s} {'s/image':>9s} {'peak GB':>8s}")
    print(row("--help", [run([*ours, "--help"]) for _ in range(args.repeats)]), flush=True)
    pairs = [(fresh(cold), fresh(other) if args.against else None) for _ in range(args.repeats)]
    print(row("one image, cold", [mine for mine, _ in pairs]), flush=True)
    if args.against:
        print(row("other command, cold", [theirs for _, theirs in pairs if theirs]), flush=True)
    if args.folder:
        count = sum(path.name.endswith((".nii", ".nii.gz", ".mgz", ".mgh")) for path in args.folder.iterdir())
        print(row(f"folder of {count}", [fresh(cohort) for _ in range(args.repeats)], count), flush=True)


if __name__ == "__main__":
    main()

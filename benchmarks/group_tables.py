"""Seconds and memory of making and reading a table over many subjects.

    python benchmarks/group_tables.py --subjects 100 1000 10000

Stats files of made-up volumes are written into a temporary folder. Each command is a fresh process, its start counted;
each line is the quickest of several runs. Memory is the peak of the whole process, of which the start alone takes the
first line's.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fs_sclimbic.cases.stats_files import format_qa_stats, format_stats
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.segmentation.measure import SegStats, StructureStats
from fs_sclimbic.segmentation.population import read_population

TABLE = [sys.executable, "-m", "fs_sclimbic", "table"]
READ = "import sys; from fs_sclimbic.group.text_table import read_group_table; read_group_table(sys.argv[1])"


def write_subjects(folder: Path, count: int, rng: np.random.Generator) -> None:
    """Subjects with the 13 structures of the shipped population table."""
    population = read_population()
    for number in range(count):
        rows = tuple(
            StructureStats(Structure(800 + i, name, (0, 0, 0, 0)), int(volume), float(volume), 0.9, 0)
            for i, (name, volume) in enumerate(
                zip(population, rng.normal([norm.mean for norm in population.values()], 5).clip(1), strict=True)
            )
        )
        stats = SegStats(rows, 1.0, float(rng.normal(1.5e6, 1e5)))
        home = folder / f"sub-{number:05d}" / "stats"
        home.mkdir(parents=True)
        (home / "sclimbic.stats").write_text(format_stats(stats))
        (home / "sclimbic.qa.stats").write_text(format_qa_stats(stats, population))


def measured(command: list[str], runs: int) -> tuple[float, float]:
    """Seconds of the quickest run, and the peak memory in MiB of the largest."""
    seconds, peaks = [], []
    for _ in range(runs):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds.append(time.perf_counter() - start)
        peaks.append(usage.ru_maxrss / 1024)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    return min(seconds), max(peaks)


def main() -> None:
    """Print a line a command and number of subjects."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, nargs="+", default=[1, 100, 1000, 10_000])
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    print(f"{'subjects':>8s}  {'what':<22s} {'seconds':>8s} {'peak MiB':>9s}")
    for count in args.subjects:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_subjects(folder / "subjects", count, np.random.default_rng(count))
            make = [*TABLE, "--sd", str(folder / "subjects"), "--all", "-t", str(folder / "table.dat")]
            for what, command in (
                ("volume", make),
                ("confidence", [*make, "--meas", "confidence"]),
                ("z, semicolons", [*make, "--meas", "z", "-d", "semicolon", "-t", str(folder / "table.txt")]),
                ("reading the table", [sys.executable, "-c", READ, str(folder / "table.dat")]),
            ):
                seconds, peak = measured(command, args.runs)
                print(f"{count:>8d}  {what:<22s} {seconds:>8.2f} {peak:>9.0f}", flush=True)


if __name__ == "__main__":
    main()

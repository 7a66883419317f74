"""Seconds and memory of a fit to a table, with and without permutations and figures.

    python benchmarks/group_glm.py --subjects 500 10000 --permutations 10000

A made-up table of 13 structures and eTIV, two classes and age (dods), two contrasts: group, and the slopes of age.
Each line is the command in a fresh process, its start counted; memory is the peak of the process. The last lines are
the permutations alone, on arrays.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.permutation import permutation_test
from fs_sclimbic.group.text_table import GroupTable, format_group_table

GLM = [sys.executable, "-m", "fs_sclimbic", "glm"]
N_STRUCTURES = 13


def write_study(folder: Path, subjects: int, rng: np.random.Generator) -> list[str]:
    """A table and an FSGD in different orders; the flags that name them."""
    names = [f"sub-{i:05d}" for i in range(subjects)]
    ages = rng.uniform(20, 80, subjects).round(1)
    size = rng.normal(1.5e6, 1e5, subjects)
    volumes = rng.normal(300, 30, (subjects, N_STRUCTURES)) - 0.3 * ages[:, None]
    order = rng.permutation(subjects)
    table = GroupTable(
        "Measure:volume",
        tuple(names[i] for i in order),
        (*(f"Structure-{k}" for k in range(N_STRUCTURES)), "EstimatedTotalIntraCranialVol"),
        np.column_stack([volumes, size])[order].round(4),
    )
    (folder / "table.dat").write_text(format_group_table(table))
    lines = ["GroupDescriptorFile 1", "Class Control", "Class Patient", "Variables Age"]
    lines += [f"Input {name} {('Control', 'Patient')[i % 2]} {ages[i]}" for i, name in enumerate(names)]
    (folder / "group.fsgd").write_text("\n".join(lines) + "\n")
    return ["--table", str(folder / "table.dat"), "--fsgd", str(folder / "group.fsgd"), "--glmdir", str(folder / "out")]


def measured(command: list[str]) -> tuple[float, float]:
    """Seconds, and the peak memory in MiB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", metavar="N", type=int, nargs="+", default=[500, 10_000])
    parser.add_argument("--permutations", metavar="N", type=int, default=10_000)
    parser.add_argument("--seed", metavar="S", type=int, default=1)
    args = parser.parse_args()
    many = ["--permutations", str(args.permutations)]
    contrasts = ["--scale-by-etiv", "--contrast", "group = Patient-Control", "--contrast", "Control:Age ; Patient:Age"]
    ways = [
        ("fit, 2 contrasts", ["--no-report"]),
        ("with figures", []),
        (f"with {many[1]} permutations", ["--no-report", *many]),
    ]
    print(f"{'subjects':>8s}  {'what':<34s} {'seconds':>8s} {'MiB':>6s}")
    for subjects in args.subjects:
        with tempfile.TemporaryDirectory() as folder:
            flags = write_study(Path(folder), subjects, np.random.default_rng(args.seed))
            for what, extra in ways:
                seconds, peak = measured([*GLM, *flags, *contrasts, *extra])
                print(f"{subjects:>8d}  {what:<34s} {seconds:>8.1f} {peak:>6.0f}", flush=True)
    for subjects in args.subjects:
        rng = np.random.default_rng(args.seed)
        of, ages = np.arange(subjects) % 2, rng.uniform(20, 80, subjects)
        indicators = np.eye(2)[of]
        x = np.hstack([indicators, indicators * ages[:, None]])
        fit = fit_glm(x, rng.normal(300, 30, (subjects, N_STRUCTURES)))
        start = time.perf_counter()
        matrix, family = np.array([[-1.0, 1, 0, 0]]), np.ones(N_STRUCTURES, bool)
        permutation_test(fit, matrix, family=family, count=args.permutations, seed=args.seed)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{subjects:>8d}  {f'{args.permutations} permutations, 1 contrast':<34s} {seconds:>8.2f} {peak:>6.0f}")


if __name__ == "__main__":
    main()

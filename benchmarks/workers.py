"""Images an hour and memory of one process, of worker processes, and of a local Dask cluster, over the same images.

    python benchmarks/workers.py T1.nii.gz ... [--images 12] [--workers 2] [--rounds 3] [--flags "--etiv"]

All ways run in turn, round after round, so that a machine that others use is as slow for each. Memory is that of all
processes of a run together (pages that they share are counted once), sampled. Beside the time, the processor time says
what a run costs where others take turns with it. Linux; needs psutil and, for Dask, the extra [dask].
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

CHECKOUT = Path(__file__).resolve().parents[1]
SAMPLE_S = 0.25
GB = 1e9


@dataclass(frozen=True)
class Cost:
    """What a run took."""

    seconds: float
    processor_seconds: float
    memory_gb: float


def memory_of(process: psutil.Process) -> int:
    """Bytes of a process and its children."""
    total = 0
    for member in (process, *process.children(recursive=True)):
        try:
            full = member.memory_full_info()
            total += getattr(full, "pss", full.rss)
        except psutil.Error:
            continue
    return total


def run(words: list[str], members: list[psutil.Process]) -> Cost:
    """Run a command; ``members`` are further processes that work for it."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    before = sum(processor_seconds(member) for member in members)
    start, children = time.monotonic(), os.times()
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    peak, ended = [0], threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLE_S):
            try:
                peak[0] = max(peak[0], sum(map(memory_of, (psutil.Process(running.pid), *members))))
            except psutil.Error:
                return

    sampler = threading.Thread(target=sample)
    sampler.start()
    status = running.wait()
    seconds, after = time.monotonic() - start, os.times()
    ended.set()
    sampler.join()
    if status:
        sys.exit(f"{shlex.join(words)} ended with status {status}")
    own = after.children_user + after.children_system - children.children_user - children.children_system
    theirs = sum(processor_seconds(member) for member in members) - before
    return Cost(seconds, own + theirs, peak[0] / GB)


def processor_seconds(process: psutil.Process) -> float:
    """Of a process and its children that run."""
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        times = member.cpu_times()
        total += times.user + times.system
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, nargs="+")
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flags", default="--conform --write_volumes --write_qa_stats")
    args = parser.parse_args()
    flags, count = shlex.split(args.flags), args.workers
    ways = {
        "one process, 1 thread": ["--threads", "1"],
        f"one process, {count} threads": ["--threads", str(count)],
        f"{count} workers": ["--workers", str(count)],
        f"Dask, {count} workers": [],
    }
    costs: dict[str, list[Cost]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "images").mkdir()
        for number in range(args.images):
            image = args.image[number % len(args.image)]
            ending = "".join(image.suffixes[-2:])
            (folder / f"images/image{number:03d}{ending}").symlink_to(image.absolute())
        for round_number in range(args.rounds):
            for way, more in ways.items():
                out = folder / f"{way}-{round_number}"
                words = [sys.executable, "-m", "fs_sclimbic", "segment", "--i", folder / "images", "--o", out, *more]
                line = [*map(str, words), *flags, "--quiet", "--no-cite-sclimbic"]
                load = os.getloadavg()[0]
                cost = run_on_dask(line, count, folder) if way.startswith("Dask") else run(line, [])
                costs[way].append(cost)
                print(f"{way}: {cost}, load {load:.1f} when it began", file=sys.stderr)
    print("| | s | images an hour | processor s an image | peak GB | efficiency |\n|---|---|---|---|---|---|")
    alone = statistics.median(cost.seconds for cost in costs["one process, 1 thread"])
    for way, found in costs.items():
        seconds, used, memory = (
            statistics.median(getattr(cost, name) for cost in found)
            for name in ("seconds", "processor_seconds", "memory_gb")
        )
        efficiency = "" if way == "one process, 1 thread" else f"{alone / seconds / count:.2f}"
        hourly = 3600 * args.images / seconds
        print(f"| {way} | {seconds:.1f} | {hourly:.0f} | {used / args.images:.2f} | {memory:.2f} | {efficiency} |")


def run_on_dask(line: list[str], count: int, folder: Path) -> Cost:
    """Run a command on a cluster that is started before, so that its start is not in the time."""
    import distributed

    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}
    commands = {
        "scheduler": ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", folder / "scheduler.json"],
        "worker": ["--scheduler-file", folder / "scheduler.json", "--nworkers", count, "--nthreads", 1],
    }
    started = []
    try:
        for name, words in commands.items():
            full = [sys.executable, "-m", f"distributed.cli.dask_{name}", *map(str, words), "--no-dashboard"]
            started.append(subprocess.Popen(full, stderr=subprocess.DEVNULL, env=environment, cwd=folder))
        with distributed.Client(scheduler_file=str(folder / "scheduler.json")) as client:
            client.wait_for_workers(count)
            address = client.scheduler.address
        return run([*line, "--dask", address], [psutil.Process(process.pid) for process in started])
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()
        (folder / "scheduler.json").unlink(missing_ok=True)


if __name__ == "__main__":
    main()

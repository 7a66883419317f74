"""Break runs in every way that a cluster knows, and count what is lost.

    python benchmarks/faults.py                       # all faults; prints a table
    python benchmarks/faults.py --count 200 killed    # one of them, at 200 moments

Runs are processes of their own, forked from this one, so that they can be killed without the start of a new one. The
network is three lines of NumPy, which finds the dark and the bright ball of a synthetic head; all else is what a run
does. A result is lost if a case of the study has no result at the end, or another one than a run that nobody disturbed.
"""

import argparse
import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from many_cases import write_images, write_model

from fs_sclimbic.cases.case import Case, Requests
from fs_sclimbic.cases.cohort import run_cohort
from fs_sclimbic.cases.images import folder_cases
from fs_sclimbic.cases.pipeline import HeadFinders, Outcome
from fs_sclimbic.cases.run import Run
from fs_sclimbic.cases.study_folder import StudyFolder
from fs_sclimbic.cases.tables import VOLUMES, table_files, write_tables
from fs_sclimbic.files.locks import FlockLike, flock
from fs_sclimbic.image.labels import ColorTable, Structure
from fs_sclimbic.image.volume import Grid, Volume, write_volume
from fs_sclimbic.network.spec import ModelSpec
from fs_sclimbic.segmentation.options import Options

ROOT = Path(__file__).resolve().parents[1]
COLORS = ColorTable(
    (
        Structure(0, "Unknown", (0, 0, 0, 0)),
        Structure(26, "Left-Ball", (234, 197, 102, 0)),
        Structure(58, "Right-Ball", (60, 58, 210, 0)),
    )
)
FOV_MM = 32
SHAPE = (30, 28, 26)
BALL_RADIUS_MM = 4.0
NOBODY = 65534
"""Id of a user who owns nothing."""
LIMIT_S = 120


@dataclass(frozen=True)
class Threshold:
    """A network of three lines."""

    spec: ModelSpec

    def predict(self, conformed: Volume, _wanted: object = None) -> Volume:
        """Posteriors of a dark and a bright structure."""
        dark, bright = conformed.data < 0.25, conformed.data > 0.75
        posteriors = np.stack([~(dark | bright), dark, bright], axis=-1).astype(np.float32)
        return Volume(posteriors, conformed.grid)


def head(brightness: float) -> Volume:
    """Grey, with a dark ball on the left and a bright one on the right."""
    vox2ras = np.eye(4)
    vox2ras[:3, 3] = -np.array(SHAPE) / 2
    ras = np.moveaxis(np.indices(SHAPE), 0, -1) + vox2ras[:3, 3]
    balls = [np.linalg.norm(ras - where, axis=-1) < BALL_RADIUS_MM for where in ((-7, 0, 0), (7, 0, 0))]
    data = np.select(balls, [0.0, 1.0], 0.5).astype(np.float32)
    return Volume(data * brightness, Grid(SHAPE, vox2ras))


@dataclass(frozen=True)
class Study:
    """Images in a folder, and where their results go."""

    images: Path
    out: Path

    def cases(self) -> list[Case]:
        """All cases of the study."""
        return folder_cases(self.images, self.out, Requests(volumes=True))

    def run(
        self, *, tell: Path | None = None, system_lock: FlockLike = flock, meddle: Callable[[], None] | None = None
    ) -> int:
        """Do what the command does, and return how many cases failed; done cases are added to a file."""
        spec = ModelSpec(Path("threshold.h5"), "0" * 64, COLORS, fov=FOV_MM)
        run = Run(spec, ("faults",), threads=1)
        finders, options = HeadFinders(locate=lambda _: None), Options(exclude=frozenset(), full_fov=True)

        def load() -> Any:
            if meddle:
                meddle()
            return Threshold(spec)

        outcomes: list[Outcome] = []
        for outcome in run_cohort(self.cases(), load, options, run, finders=finders, system_lock=system_lock):
            outcomes.append(outcome)
            if tell and outcome.status == "done":
                with open(tell, "a") as file:
                    file.write(f"{outcome.case.name}\n")
        outcomes.sort(key=lambda outcome: outcome.case.name)
        study = StudyFolder(folder=self.out)
        files = table_files(study.tables_start, "_", [VOLUMES])
        write_tables(files, outcomes, {}, others=lambda name: getattr(study.read(name), "stats", None))
        return sum(outcome.status == "failed" for outcome in outcomes)

    def results(self) -> dict[str, bytes]:
        """What does not depend on when and by whom a case was run."""
        found = {path.name: path.read_bytes() for path in self.out.glob("*.mgz")}
        found |= {path.name: path.read_bytes() for path in self.out.glob("*.csv")}
        for path in self.out.glob("*.stats"):
            found[path.name] = b"\n".join(line for line in path.read_bytes().splitlines() if not line.startswith(b"#"))
        return found

    def leftovers(self) -> list[str]:
        """Locks and temporary files."""
        return [path.name for path in self.out.glob(".*")]


def make_study(folder: Path, good: int, bad: int = 0) -> Study:
    """A study of good and of unreadable images."""
    images = folder / "in"
    images.mkdir(parents=True)
    for number in range(good):
        write_volume(head(100.0 + number), images / f"good{number:04d}.mgz")
    for number in range(bad):
        (images / f"bad{number:04d}.mgz").write_bytes(b"garbage" * number)
    return Study(images, folder / "out")


def fork(action: Callable[[], object]) -> int:
    """Start an action in a process of its own, and return the process id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.alarm(LIMIT_S)
        action()
        status = 0
    except BaseException as error:  # whatever it is, this process ends here
        with suppress(OSError):
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        os._exit(status)


def wait(pid: int) -> int:
    """The exit status of a process; a signal as a negative number."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


WATCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.utime", "os.rmdir"}


def watch(folder: Path, count: Callable[[str], None]) -> None:
    """Call a function before each step that touches a file of a folder."""

    def hook(event: str, words: tuple[Any, ...]) -> None:
        if event in WATCHED and str(words[0]).startswith(str(folder)):
            count(event)

    sys.addaudithook(hook)


def count_moments(study: Study) -> int:
    """How many steps of a run touch its results."""
    read_end, write_end = os.pipe()

    def counted() -> None:
        events: Counter[str] = Counter()
        watch(study.out, lambda event: events.update([event]))
        study.run()
        os.write(write_end, str(sum(events.values())).encode())

    wait(fork(counted))
    os.close(write_end)
    with os.fdopen(read_end) as file:
        return int(file.read())


def killed_run(study: Study, moment: int) -> int:
    """Start a run that is killed before its n-th step."""

    def action() -> None:
        left = [moment]

        def step(_event: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        watch(study.out, step)
        study.run()

    return fork(action)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a fault, over all times that it was tried."""

    fault: str
    tried: int
    """Times that a run was disturbed."""
    cases: int
    """Cases that should have results at the end, over all times."""
    lost: int = 0
    """Of them, those without a result, or with another one."""
    twice: int | None = None
    """Cases that were done more than once; None where one run follows the other."""
    leftovers: int = 0
    """Locks and temporary files that were left."""


def judge(study: Study, expected: dict[str, bytes]) -> tuple[int, int]:
    """How many files are lost or different, and how many are left over."""
    found = study.results()
    return sum(found.get(name) != content for name, content in expected.items()), len(study.leftovers())


def reference(folder: Path, good: int, bad: int = 0) -> tuple[Study, dict[str, bytes]]:
    """A study, and its results when nobody disturbs it."""
    study = make_study(folder, good, bad)
    calm = replace(study, out=folder / "calm")
    wait(fork(calm.run))
    expected = calm.results()
    if len(expected) != 2 * good + 1:
        raise RuntimeError(f"a run that nobody disturbs gives {sorted(expected)}")
    return study, expected


def killed(folder: Path, count: int) -> Verdict:
    """kill -9 at moments spread over all steps of a run; then the same command again."""
    study, expected = reference(folder, 3)
    moments = count_moments(replace(study, out=folder / "count"))
    lost = leftovers = 0
    for number in range(count):
        one = replace(study, out=folder / f"out{number}")
        moment = 1 + number * (moments - 1) // max(count - 1, 1)
        if wait(killed_run(one, moment)) != -signal.SIGKILL:
            raise RuntimeError(f"the run was not killed at moment {moment} of {moments}")
        wait(fork(one.run))
        missing, left = judge(one, expected)
        lost, leftovers = lost + missing, leftovers + left
    return Verdict(fault="kill -9, same command again", tried=count, cases=3 * count, lost=lost, leftovers=leftovers)


def side_by_side(folder: Path, runs: int, cases: int, system_lock: FlockLike = flock, name: str = "") -> Verdict:
    """Several runs of the same command at once."""
    study, expected = reference(folder, cases)
    tell = folder / "done"
    pids = [fork(lambda: study.run(tell=tell, system_lock=system_lock)) for _ in range(runs)]
    if any([wait(pid) for pid in pids]):
        raise RuntimeError("a run failed")
    lost, left = judge(study, expected)
    counts = Counter(tell.read_text().split())
    return Verdict(
        fault=name or f"{runs} runs at once",
        tried=runs,
        cases=cases,
        lost=lost,
        twice=sum(number - 1 for number in counts.values()),
        leftovers=left,
    )


def two_at_once(folder: Path, count: int) -> Verdict:
    """Two runs at once."""
    return side_by_side(folder, 2, count)


def four_at_once(folder: Path, count: int) -> Verdict:
    """Four runs at once."""
    return side_by_side(folder, 4, count)


def no_locks(_descriptor: int) -> None:
    """What a file system without locks answers."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def four_without_locks(folder: Path, count: int) -> Verdict:
    """Four runs at once on a file system without locks."""
    return side_by_side(folder, 4, count, no_locks, "4 runs at once, no locks (ENOLCK)")


def killed_among_others(folder: Path, count: int) -> Verdict:
    """One of two runs at once is killed; the other does its cases too."""
    study, expected = reference(folder, 6)
    moments = count_moments(replace(study, out=folder / "count"))
    lost = leftovers = 0
    for number in range(count):
        one = replace(study, out=folder / f"out{number}")
        victim = killed_run(one, 1 + number * moments // (2 * count))
        survivor = fork(one.run)
        wait(victim)
        if wait(survivor):
            raise RuntimeError("the survivor failed")
        early, _ = judge(one, expected)
        lost += early
        wait(fork(one.run))  # removes what was staged for a table
        missing, left = judge(one, expected)
        lost, leftovers = lost + missing, leftovers + left
    return Verdict(fault="one of 2 runs at once killed", tried=count, cases=6 * count, lost=lost, leftovers=leftovers)


def stale_locks(folder: Path, count: int) -> Verdict:
    """Locks that killed runs left on every case."""
    study, expected = reference(folder, count)
    study.out.mkdir()
    for case in study.cases():
        lock = study.out / f".{case.outputs.record.name}.lock"
        lock.write_text('{"host": "far", "space": "x", "pid": 1, "since": "then", "started": "1", "token": "t"}')
        os.utime(lock, (0, 0))
    wait(fork(study.run))
    lost, left = judge(study, expected)
    return Verdict(fault="stale locks of another host", tried=count, cases=count, lost=lost, leftovers=left)


def read_only(folder: Path, count: int) -> Verdict:
    """Half of the results may not be written: those cases fail, the others are done; then the folder is mended."""
    study, expected = reference(folder, count)
    os.chmod(folder, 0o755)
    study.out.mkdir(mode=0o777)
    os.chmod(study.out, 0o555)

    def as_nobody() -> None:
        if os.getuid() == 0:
            os.setuid(NOBODY)
        if study.run() != count:
            raise RuntimeError("a case was written into a folder that is read-only")

    if wait(fork(as_nobody)):
        raise RuntimeError("the run did not end as it should")
    os.chmod(study.out, 0o755)
    wait(fork(study.run))
    lost, left = judge(study, expected)
    return Verdict(fault="read-only results, then mended", tried=count, cases=count, lost=lost, leftovers=left)


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """A disk of its own under a folder."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        raise NotTriedError(f"needs root and mount ({mounted.stderr.strip()})")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


class NotTriedError(Exception):
    """A fault that cannot be made here; the text says why."""


def full_disk(folder: Path, count: int) -> Verdict:
    """A disk that is too small for all results: what fits is whole; then there is room."""
    study, expected = reference(folder, count)
    with small_disk(folder / "disk", 8 * count):
        full = replace(study, out=folder / "disk/out")
        wait(fork(full.run))
        fits = {path.name for path in full.out.glob("*.sclimbic.json")}
        if not 0 < len(fits) < count:
            raise RuntimeError(f"{len(fits)} of {count} results fit on the disk; expected some and not all")
        subprocess.run(["mount", "-o", "remount,size=64m", folder / "disk"], check=True)
        wait(fork(full.run))
        lost, left = judge(full, expected)
    return Verdict(fault="full disk, then room", tried=count, cases=count, lost=lost, leftovers=left)


def input_replaced(folder: Path, count: int) -> Verdict:
    """An image is replaced while the network runs on it: it fails, and the next run takes the new one."""
    study, expected = reference(folder, 1)
    case = study.cases()[0]
    original = case.t1.read_bytes()
    lost = left = 0
    for number in range(count):
        one = replace(study, out=folder / f"out{number}")
        case.t1.write_bytes(original)

        def meddle() -> None:
            write_volume(head(50.0), case.t1)

        def meddled(one: Study = one, meddle: Callable[[], None] = meddle) -> None:
            if one.run(meddle=meddle) != 1:
                raise RuntimeError("numbers of one image stand beside the hash of another")

        if wait(fork(meddled)) or list(one.out.glob("*.json")):
            raise RuntimeError("a result was written of an image that was replaced")
        case.t1.write_bytes(original)
        wait(fork(one.run))
        missing, more = judge(one, expected)
        lost, left = lost + missing, left + more
    return Verdict(fault="input replaced under the network", tried=count, cases=count, lost=lost, leftovers=left)


def many_bad(folder: Path, count: int) -> Verdict:
    """Ten unreadable images for each good one."""
    study = make_study(folder, count, 10 * count)
    _, expected = reference(folder / "good", count)

    def action() -> None:
        if (failed := study.run()) != 10 * count:
            raise RuntimeError(f"{failed} of {10 * count} bad images failed")

    if wait(fork(action)):
        raise RuntimeError("the run did not end as it should")
    lost, left = judge(study, expected)
    return Verdict(fault="10 bad images for each good one", tried=10 * count, cases=count, lost=lost, leftovers=left)


def killed_with_workers(folder: Path, count: int) -> Verdict:
    """kill -9 of a real command with two workers, when some cases are done; then the same command again."""
    cases = 6
    folder.mkdir(exist_ok=True)
    flags = write_model(folder)
    write_images(folder / "in", cases)

    def command(out: Path, *more: str) -> list[str]:
        words = ["--i", str(folder / "in"), "--o", str(out), "--write_volumes", *more, *flags]
        return [sys.executable, "-m", "fs_sclimbic", *words]

    quiet: dict[str, Any] = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command(folder / "calm"), check=True, **quiet)
    expected = Study(folder / "in", folder / "calm").results()
    lost = left = 0
    for number in range(count):
        one = Study(folder / "in", folder / f"out{number}")
        running = subprocess.Popen(command(one.out, "--workers", "2"), **quiet)
        while len(list(one.out.glob("*.json"))) < number % cases and running.poll() is None:
            time.sleep(0.01)
        running.kill()
        running.wait()
        subprocess.run(command(one.out, "--workers", "2"), check=True, **quiet)
        missing, more = judge(one, expected)
        lost, left = lost + missing, left + more
    return Verdict(
        fault="kill -9 of a run with 2 workers, again", tried=count, cases=cases * count, lost=lost, leftovers=left
    )


FAULTS: dict[str, tuple[Callable[[Path, int], Verdict], int, int]] = {
    "killed": (killed, 200, 20),
    "killed-with-workers": (killed_with_workers, 20, 2),
    "killed-among-others": (killed_among_others, 50, 4),
    "two-at-once": (two_at_once, 100, 8),
    "four-at-once": (four_at_once, 200, 12),
    "no-locks": (four_without_locks, 200, 12),
    "stale-locks": (stale_locks, 50, 3),
    "read-only": (read_only, 20, 2),
    "full-disk": (full_disk, 100, 12),
    "input-replaced": (input_replaced, 20, 2),
    "many-bad": (many_bad, 20, 20),
}
"""Each with the count of a long run, and of a quick one."""


def main(argv: Sequence[str] | None = None) -> int:
    """Try faults; 0 if nothing is lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", metavar="FAULT", nargs="*", choices=[[], *FAULTS], help=", ".join(FAULTS))
    parser.add_argument("--quick", action="store_true", help="as the tests run it")
    parser.add_argument("--count", type=int, help="how often, or how many cases (default: that of each fault)")
    args = parser.parse_args(argv)
    print(
        "| fault | disturbed | cases | lost or different | done twice | left over | s |\n|---|---|---|---|---|---|---|"
    )
    bad = False
    for name in args.faults or FAULTS:
        fault, many, few = FAULTS[name]
        count = args.count or (few if args.quick else many)
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            try:
                verdict = fault(Path(folder), count)
            except NotTriedError as error:
                print(f"| {name} | not tried: {error} |")
                continue
            seconds = time.monotonic() - start
        bad = bad or bool(verdict.lost or verdict.twice or verdict.leftovers)
        twice = "-" if verdict.twice is None else str(verdict.twice)
        cells = (verdict.fault, verdict.tried, verdict.cases, verdict.lost, twice, verdict.leftovers, round(seconds))
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())

"""Damage files of every format, read them, and count what is not one of our errors.

    python benchmarks/fuzz.py [--count 400] [--seed 0] [READER ...]

Each reader runs in a process of its own with bounded memory. A reader may give a value, or raise one of our errors in
one line that names the file; any other exception, a warning on stderr, more than 5 s or more memory is an escape. Other
readers are added to READERS: a function that writes a small good file, and one that reads it.
"""

import argparse
import gzip
import io
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from fs_sclimbic.cases.record import Record, format_record, read_record
from fs_sclimbic.cases.stats_files import format_stats, read_stats
from fs_sclimbic.cases.study_weights import read_study_weights
from fs_sclimbic.cases.subjects import read_names
from fs_sclimbic.errors import SclimbicError
from fs_sclimbic.files.owner_lock import read_owner, take_lock
from fs_sclimbic.files.resources import data_file
from fs_sclimbic.group.tables.provenance import Provenance, format_provenance, read_provenance
from fs_sclimbic.image.labels import format_ctab, read_ctab
from fs_sclimbic.image.transforms import format_lta, format_xfm, read_transform
from fs_sclimbic.image.volume import Grid, Volume, encode_volume, read_volume
from fs_sclimbic.network.architecture import network_weights
from fs_sclimbic.network.spec import ModelSpec
from fs_sclimbic.network.structure_prior import Site, StructurePrior, format_prior, read_prior
from fs_sclimbic.network.weights import read_weights, write_weights
from fs_sclimbic.segmentation.measure import SegStats, StructureStats
from fs_sclimbic.segmentation.population import DEFAULT_POPULATION, read_population
from fs_sclimbic.training.checkpoint import CHECKPOINT_NAME, Checkpoint, read_checkpoint, write_checkpoint
from tests.mutations import mutations

MAX_SECONDS = 5.0
MAX_MEMORY_BYTES = 3 << 30


@dataclass(frozen=True)
class Reader:
    """A format and what reads it."""

    suffix: str
    """Of the file's name."""
    content: Callable[[], bytes]
    """A good file."""
    read: Callable[[Path], object]
    compressed: bool = False
    """Damage what is inside the gzip file."""


def image(suffix: str) -> Callable[[], bytes]:
    """A small oblique image with a colour table."""
    matrix = np.array([[0.9, 0.1, 0, -8], [-0.1, 0.9, 0, -9], [0, 0, 1.2, 7], [0, 0, 0, 1]])
    data = np.random.default_rng(1).integers(0, 900, (12, 14, 10)).astype(np.int32)
    return lambda: encode_volume(Volume(data, Grid(data.shape, matrix)), f"x{suffix}", read_ctab())  # type: ignore[arg-type]


TALAIRACH = np.array([[1.1, 0.02, 0, 1.5], [-0.05, 1.0, 0.2, -12], [0.04, -0.2, 1.1, 9], [0, 0, 0, 1]])

COLORS = read_ctab()
FEATURES = 2
PRIOR = StructurePrior(
    tuple(Site(s.name, (-9.0, -8.0, -7.0), (9.0, 8.0, 7.0), (0.5, 0.0, 0.0), 900.0) for s in COLORS.foreground)
)


STATS = SegStats(
    tuple(StructureStats(s, 100 + n, 99.5 + n, 0.9, n) for n, s in enumerate(COLORS.foreground)), 1.0, 1.5e6
)
RECORD = Record({"percentile": None}, STATS, ("look at it",), {"x.mgz": "0" * 64}, ("subjectname x",))


def read_whole_record(path: Path) -> object:
    """A record is whole, or none: another one would bring false numbers into a table."""
    record = read_record(path)
    if record not in (None, RECORD):
        raise ValueError("a damaged record was accepted")
    return record


def random_weights() -> dict[str, dict[str, np.ndarray]]:
    """Those of a small network."""
    rng = np.random.default_rng(1)
    shapes = network_weights(len(COLORS), FEATURES, 1)
    return {
        layer: {name: rng.normal(size=shape).astype(np.float32) for name, shape in arrays.items()}
        for layer, arrays in shapes.items()
    }


def weights_file() -> bytes:
    """A small weight file."""
    with tempfile.TemporaryDirectory() as folder:
        write_weights(Path(folder, "x.h5"), random_weights())
        return Path(folder, "x.h5").read_bytes()


def checkpoint_file() -> bytes:
    """A small checkpoint of a training."""
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(folder, Checkpoint(random_weights(), [np.array(3)], [0.5], [], "{}", 1.0))
        return Path(folder, CHECKPOINT_NAME).read_bytes()


def lock_file() -> bytes:
    """The lock of a case."""
    with tempfile.TemporaryDirectory() as folder:
        lock = take_lock(Path(folder, ".x.lock"))
        content = lock.path.read_bytes()
        lock.release()
    return content


def read_as_checkpoint(path: Path) -> object:
    """A checkpoint is found by its folder."""
    path.replace(path.with_name(CHECKPOINT_NAME))
    return read_checkpoint(path.parent)


READERS = {
    "nii": Reader(".nii", image(".nii"), read_volume),
    "nii.gz": Reader(".nii.gz", image(".nii.gz"), read_volume),
    "nii.gz inside": Reader(".nii.gz", image(".nii"), read_volume, compressed=True),
    "mgh": Reader(".mgh", image(".mgh"), read_volume),
    "mgz": Reader(".mgz", image(".mgz"), read_volume),
    "mgz inside": Reader(".mgz", image(".mgh"), read_volume, compressed=True),
    "xfm": Reader(".xfm", lambda: format_xfm(TALAIRACH).encode(), read_transform),
    "lta": Reader(".lta", lambda: format_lta(TALAIRACH).encode(), read_transform),
    "ctab": Reader(".ctab", lambda: format_ctab(read_ctab()).encode(), read_ctab),
    "h5": Reader(".h5", weights_file, lambda path: read_weights(ModelSpec(path, "", COLORS, features=FEATURES))),
    "place.json": Reader(
        ".place.json",
        lambda: json.dumps(format_prior(PRIOR), indent=1).encode(),
        lambda path: read_prior(path, [s.name for s in COLORS.foreground], ""),
    ),
    "record": Reader(".json", lambda: format_record(RECORD).encode(), read_whole_record),
    "stats": Reader(".stats", lambda: format_stats(STATS, ("subjectname x",)).encode(), read_stats),
    "population": Reader(".csv", lambda: data_file(*DEFAULT_POPULATION).read_bytes(), read_population),
    "study weights": Reader(".txt", lambda: b"weights a.h5\nsha256 0123\norigin --model\n", read_study_weights),
    "lock": Reader(".lock", lock_file, read_owner),
    "list of subjects": Reader(".txt", lambda: b"# ours\nbert\nernie\n", read_names),
    "provenance": Reader(
        ".dat.provenance.json",
        lambda: format_provenance([("a", Provenance("a.h5 01", ("Preset study",), "image")), ("b", None)]),
        lambda path: read_provenance(path.with_name(path.name.removesuffix(".provenance.json")), ["a", "b", "c"]),
    ),
    "checkpoint": Reader(".npz", checkpoint_file, read_as_checkpoint),
}


def why_escape(reader: Reader, path: Path) -> str:
    """Read a file; says what is wrong with how the reader ends, or nothing."""
    start, stderr = time.perf_counter(), io.StringIO()
    found = ""
    with redirect_stderr(stderr):
        try:
            reader.read(path)
        except SclimbicError as error:
            text = str(error)
            if "\n" in text or not text.startswith(str(path.parent)) or not text.isprintable():
                found = f"message: {text[:200]!r}"
        except BaseException as error:
            found = f"{type(error).__name__}: {str(error)[:100]}"
    seconds = time.perf_counter() - start
    if seconds > MAX_SECONDS:
        return f"took {seconds:.0f} s"
    return found or (f"stderr: {stderr.getvalue()[:100]!r}" if stderr.getvalue() else "")


def fuzz(reader: Reader, count: int, seed: int) -> Counter[str]:
    """Read damaged files; counts escapes by what they are."""
    escapes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"damaged{reader.suffix}")
        for damaged in mutations(reader.content(), count, seed):
            path.write_bytes(gzip.compress(damaged, 1) if reader.compressed else damaged)
            why = why_escape(reader, path)
            if why:
                escapes[why] += 1
    return escapes


def _bounded(name: str, count: int, seed: int) -> Counter[str]:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    return fuzz(READERS[name], count, seed)


def main() -> int:
    """Print a line a reader, and the escapes below it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", choices=[*READERS, []], metavar="READER")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    total = 0
    for name in args.readers or READERS:
        start = time.perf_counter()
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            escapes = pool.apply(_bounded, (name, args.count, args.seed))
        total += escapes.total()
        print(
            f"{name:14s} {escapes.total():4d} of {args.count} escape, {time.perf_counter() - start:.1f} s", flush=True
        )
        for why, times in escapes.most_common(8):
            print(f"    {times:4d} x {why}")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())

"""Damage the files of a group study, read them, and count what is not one of our errors.

    python benchmarks/fuzz_tables.py [--count 400] [--seed 0] [READER ...]

Tables, FSGDs, contrasts, design matrices, weights, participants, lists of subjects and stats files. Each reader runs in
a process with bounded memory. Any other exception, a warning, a crash, or more than 5 s is an escape.
"""

import argparse
import io
import multiprocessing
import random
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import scipy.io

from fs_sclimbic.errors import SclimbicError
from fs_sclimbic.group.design.contrast import named_contrast, read_contrast
from fs_sclimbic.group.design.fsgd_make import make_fsgd
from fs_sclimbic.group.design.fsgd_review import ReviewOptions, review_fsgd
from fs_sclimbic.group.design.matrix_files import read_design_matrix, read_frames, read_weights
from fs_sclimbic.group.design.participants import DesignRequest
from fs_sclimbic.group.tables.measures import MEASURES, ReadOptions
from fs_sclimbic.group.tables.stats_paths import StatsFile
from fs_sclimbic.group.tables.stats_values import read_many
from fs_sclimbic.group.tables.subject_lists import (
    read_fsgd_subjects,
    read_qdec_subjects,
    read_segids,
    read_subjects_file,
)
from fs_sclimbic.group.text_table import read_group_table
from tests.mutations import mutations

MAX_SECONDS = 5.0
MAX_MEMORY_BYTES = 3 << 30
COLUMNS = ("Control", "Patient", "Control:Age", "Patient:Age")
WORDS = tuple(
    word if isinstance(word, bytes) else word.encode()
    for word in (
        *(b"\xff", b"\xb2", b"\x85", b"\x1c", b"\r", b"\t", b",", b'"', b"#", b"("),
        *(
            "²",
            "١",
            "İ",
            "ſ",
            "\u200b",
            "\u2212",
            "1e999",
            "1e308",
            "1e99",
            "5e-324",
            "nan",
            "inf",
            "1_000",
            "-",
            "1,5",
        ),
        *("9" * 5000, "0" * 200, "(" * 3000, "A" * 100_000, "\x1b[2J", "LogY 1e300", "Class", "Input", "Variables"),
        *("# NRows ²\n", "# ColHeaders Index SegId\n", "\n# ColHeaders\n", "Contrast", "FContrast", "DODS", "eTIV"),
    )
)
"""Words that broke readers of text, here or elsewhere."""


@dataclass(frozen=True)
class Reader:
    """A form of file and what reads it."""

    content: bytes
    read: Callable[[Path], object]


def matlab(**options: object) -> bytes:
    """A design matrix as Matlab and SciPy write it."""
    content = io.BytesIO()
    scipy.io.savemat(content, {"X": np.eye(3)}, **options)
    return content.getvalue()


FSGD = "GroupDescriptorFile 1\nTitle t\nClass Control plus blue\nClass Patient\nVariables Age\n" + "".join(
    f"Input s{i} {('Control', 'Patient')[i % 2]} {30 + 7 * i % 40}\n" for i in range(12)
)
TAGS = "Contrast a 1 -1 0 0\nContrast b 0 0 1 -1\nFContrast ab a b\nDeMeanFlag 1\nLogY 0\nDefaultVariable Age\n"
TABLE = "Measure:volume\tLeft-A\tRight-A\teTIV\n" + "".join(f"s{i}\t{i}.5\t{2 * i}\t{1e6 + i}\n" for i in range(12))
PARTICIPANTS = "participant_id\tsex\tdiagnosis\tage\n" + "".join(
    f"s{i}\t{'FM'[i % 2]}\t{('Control', 'Patient')[i % 3 > 0]}\t{20 + i}.5\n" for i in range(12)
)
STATS = (
    "# Title Segmentation Statistics\n# Measure EstimatedTotalIntraCranialVol, eTIV, Volume, 1500000, mm^3\n# NRows 3\n"
    "# ColHeaders Index SegId NVoxels Volume_mm3 StructName\n1 26 5 5.5 Left-A\n2 58 6 6.5 Right-A\n3 853 7 7.5 B\n"
)
REQUEST = DesignRequest("participant_id", ("diagnosis", "sex"), ("age",))
READERS = {
    "table": Reader(TABLE.encode(), read_group_table),
    "csv": Reader(TABLE.replace("\t", ",").encode(), read_group_table),
    "fsgd": Reader((FSGD + TAGS).encode(), lambda path: review_fsgd(path, ReviewOptions())),
    "contrast": Reader(b"1 -1 0 0\n0 0 1 -1\n", lambda path: read_contrast(path, COLUMNS)),
    "gamma0": Reader(b"1 2 3 4\n", lambda path: read_contrast(path, COLUMNS, path)),
    "expression": Reader(
        b"name = (Control + 2*Patient)/3 - Control:Age ; Patient:Age",
        lambda path: named_contrast(path.read_bytes().decode("utf-8", "surrogateescape"), COLUMNS),
    ),
    "matrix": Reader(b"1 0 31\n0 1 44\n1 0 52\n0 1 29\n", read_design_matrix),
    "matlab 4": Reader(matlab(format="4"), read_design_matrix),
    "matlab 5": Reader(matlab(format="5"), read_design_matrix),
    "matlab 5 compressed": Reader(matlab(format="5", do_compression=True), read_design_matrix),
    "weights": Reader(b"1\n2\n0.5\n", lambda path: read_weights(path, 3)),
    "frames": Reader(b"1 2\n3\n", read_frames),
    "participants": Reader(PARTICIPANTS.encode(), lambda path: make_fsgd(path, REQUEST, "x")),
    "subjects": Reader(b"s1\n# c\ns2\n", read_subjects_file),
    "subjects of an fsgd": Reader(FSGD.encode(), read_fsgd_subjects),
    "qdec": Reader(b"fsid fsid-base age\ns1 b1 3\ns2 b2 4\n", lambda path: read_qdec_subjects(path, longitudinal=True)),
    "segids": Reader(b"26\n58\n", read_segids),
    "stats": Reader(STATS.encode(), lambda path: read_many([StatsFile("a", path)], MEASURES["volume"])),
    "stats, lenient": Reader(
        STATS.encode(),
        lambda path: read_many([StatsFile("a", path)], MEASURES["nvoxels"], ReadOptions(lenient=True, new_names=True)),
    ),
}


def damaged(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Copies with damage of any kind, and with odd words in place of words or between them."""
    rng = random.Random(seed)
    for broken in mutations(content, count, seed):
        if rng.random() < 0.5:
            yield broken
            continue
        separator = rng.choice((b" ", b"\t", b",", b"\n"))
        words = content.split(separator)
        for _ in range(rng.choice((1, 1, 2, 4))):
            words[rng.randrange(len(words))] = rng.choice(WORDS)
        yield separator.join(words)


def why_escape(reader: Reader, path: Path) -> str:
    """Read a file; says what is wrong with how the reader ends, or nothing."""
    start, found = time.perf_counter(), ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reader.read(path)
    except SclimbicError as error:
        found = "" if str(error).strip() else "an error without a message"
    except BaseException as error:
        found = f"{type(error).__name__}: {str(error)[:100]}"
    seconds = time.perf_counter() - start
    return f"took {seconds:.0f} s" if seconds > MAX_SECONDS else found


def fuzz(name: str, count: int, seed: int) -> Counter[str]:
    """Read damaged files in this process, whose memory is bounded; counts escapes by what they are."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    escapes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "damaged")
        for content in damaged(READERS[name].content, count, seed):
            path.write_bytes(content)
            if why := why_escape(READERS[name], path):
                escapes[why] += 1
    return escapes


def main() -> int:
    """Print a line a reader, and the escapes below it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", choices=[*READERS, []], metavar="READER")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    total = 0
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:  # a crash of the process ends the run
        for name in args.readers or READERS:
            start = time.perf_counter()
            escapes = pool.submit(fuzz, name, args.count, args.seed).result()
            total += escapes.total()
            seconds = time.perf_counter() - start
            print(f"{name:20s} {escapes.total():4d} of {args.count} escape, {seconds:.1f} s", flush=True)
            for why, times in escapes.most_common(8):
                print(f"    {times:4d} x {why}")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())

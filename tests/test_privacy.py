"""Nothing leaves the machine, and nothing is written but where it was asked for: every command, seen by strace.

A command may write its outputs, the folder of models, and the system's temporary folder; it may use no address outside
this machine, and ask no name of DNS.
"""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from fs_sclimbic.image.labels import format_ctab
from fs_sclimbic.image.volume import write_volume
from tests.conftest import ROOT
from tests.datasets import make_dataset, t1
from tests.groups import write_study
from tests.heads import FOUR, write_heads
from tests.tracing import strace_works, trace

pytestmark = pytest.mark.skipif(not strace_works(), reason="strace is not installed, or may not trace here")

COURSE = ["--box", "16", "--fov", "48", "--features", "2", "--epochs", "1", "--steps", "2", "--validate", "0.5"]
# Devices and the process's own entries hold nothing; a semaphore is memory that threads share, gone at once.
SEMAPHORE = "/dev/shm/sem."
NOWHERE = (Path("/dev/null"), Path("/dev/tty"), Path("/proc"))
API = """
import sys
from fs_sclimbic import Options, load_model, read_volume, register, segment
t1, engine = read_volume("head.nii.gz"), sys.argv[1]
model = load_model(*sys.argv[2:4], fov=48, features=2, threads=1, engine=engine)
print(len(segment(t1, model, Options()).stats.structures), "structures by", model.engine)
"""


@pytest.fixture
def sandbox(tmp_path, head, tiny_model):
    """A home, a temporary folder and a folder to work in, with a head, a study and labelled heads."""
    for name in ("home", "tmp", "work", "models"):
        (tmp_path / name).mkdir()
    work = tmp_path / "work"
    write_volume(head, work / "head.nii.gz")
    (work / "images").mkdir()
    write_volume(head, work / "images" / "a.nii.gz")
    return tmp_path


def environment(sandbox, **changes):
    """Nothing of this machine's user; a value of None takes a variable away."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(sandbox / "home"),
        "TMPDIR": str(sandbox / "tmp"),
        "FS_SCLIMBIC_MODELS": str(sandbox / "models"),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        **changes,
    }
    return {name: text for name, text in variables.items() if text is not None}


def run_traced(sandbox, *arguments, faults=(), **changes):
    command = [sys.executable, *map(str, arguments)]
    log = sandbox / "strace.txt"
    return trace(command, cwd=sandbox / "work", env=environment(sandbox, **changes), log=log, faults=faults)


def check(sandbox, found, *, status=0, may_write=("work", "tmp", "models")):
    """The command did its work, and nothing else."""
    assert found.status == status, found.output
    assert "Traceback" not in found.output
    assert found.sockets == ()
    allowed = [*(sandbox / name for name in may_write), *NOWHERE]
    written = {path for path in found.written if not str(path).startswith(SEMAPHORE)}
    outside = {path for path in written if not any(path.is_relative_to(folder) for folder in allowed)}
    assert outside == set()


def segmenting(tiny_flags, *more):
    return ["segment", *more, *tiny_flags, "--threads", "1"]


def test_the_tracer_sees_what_it_should(sandbox):
    """A name that is asked for, a packet, and a file in the home."""
    script = (
        "import socket, pathlib\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.1', 53)); s.close()\n"
        "pathlib.Path.home().joinpath('cid').write_text('1'); pathlib.Path('here').write_text('1')\n"
        "pathlib.Path.home().joinpath('folder').mkdir(); pathlib.Path('here').rename(pathlib.Path.home() / 'gone')\n"
    )
    found = run_traced(sandbox, "-c", script)
    assert any('inet_addr("192.0.2.1")' in call for call in found.sockets)
    names = {path.relative_to(sandbox).as_posix() for path in found.written if path.is_relative_to(sandbox)}
    assert {"home/cid", "work/here", "home/folder", "home/gone"} <= names


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_segment_an_image(sandbox, tiny_flags, engine):
    flags = ["--i", "head.nii.gz", "--o", "out/seg.mgz", "--write_volumes", "--write_qa_stats", "--engine", engine]
    found = run_traced(sandbox, "-m", "fs_sclimbic", *segmenting(tiny_flags, *flags))
    check(sandbox, found)
    assert (sandbox / "work/out/seg.stats").exists()
    assert not any((sandbox / "home").iterdir())


def test_segment_a_folder(sandbox, tiny_flags):
    flags = ["--i", "images", "--o", "results", "--write_volumes", "--write_qa_stats"]
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", *segmenting(tiny_flags, *flags)))


def test_segment_in_workers(sandbox, tiny_flags):
    flags = ["--i", "images", "--o", "results", "--write_volumes", "--write_qa_stats"]
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", *segmenting(tiny_flags, *flags), "--workers", "2"))


def test_merge_and_doctor(sandbox, tiny_flags):
    flags = ["--i", "images", "--o", "results", "--part", "1/1"]
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", *segmenting(tiny_flags, *flags)))
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", "merge", "results"))
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", "doctor"), may_write=("tmp",))


def test_pages(sandbox, tiny_flags):
    pytest.importorskip("itables")
    flags = ["--i", "images", "--o", "results", "--write_volumes"]
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", *segmenting(tiny_flags, *flags)))
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", "qc", "results"))
    assert (sandbox / "work/results/sclimbic_qc/index.html").exists()


def test_segment_subjects(sandbox, tiny_flags, subjects_dir):
    flags = ["--s", "bert", "--sd", subjects_dir, "--write_qa_stats"]
    found = run_traced(sandbox, "-m", "fs_sclimbic", *segmenting(tiny_flags, *flags))
    check(sandbox, found, may_write=("work", "tmp", "models", "subjects"))


def test_segment_a_bids_dataset(sandbox, tiny_flags):
    dataset = make_dataset(sandbox / "study", t1("sub-01"), head=sandbox / "work/head.nii.gz")
    flags = ["--no-etiv", *tiny_flags]
    found = run_traced(sandbox, "-m", "fs_sclimbic", "bids", dataset, "out", "participant", *flags)
    check(sandbox, found)
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", "bids", dataset, "out", "group"), may_write=("work", "tmp"))


def test_etiv_and_models(sandbox):
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", "etiv", "head.nii.gz"), may_write=("tmp",), status=1)
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", "model", "list"), may_write=())
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", "--help"), may_write=())
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", "segment", "--help"), may_write=())


def test_a_group(sandbox):
    """From a table to a report with figures."""
    study = write_study(sandbox / "work")
    found = run_traced(sandbox, "-m", "fs_sclimbic", "glm", *study, "--contrast", "group = Control-Patient")
    check(sandbox, found, may_write=("work", "tmp"))
    assert "data:image/png" in (sandbox / "work/out/report.html").read_text()
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", "fsgd", "check", "g.fsgd"), may_write=())
    found = run_traced(sandbox, "-m", "fs_sclimbic", "table", "--sd", "images", "--all", "-t", "t.csv")
    check(sandbox, found, may_write=("work", "tmp"), status=1)


def test_demo(sandbox):
    pytest.importorskip("nilearn")
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", "demo", "out"))
    assert (sandbox / "work/out/mni152_sclimbic.webp").exists()


def test_train(sandbox):
    write_heads(sandbox / "work/data", range(2))
    (sandbox / "work/four.ctab").write_text(format_ctab(FOUR))
    flags = ["--images=data/images", "--labels=data/labels", "--ctab=four.ctab", "--o=out", "--threads=1", *COURSE]
    flags += ["--tensorboard"] if find_spec("tensorboardX") else []
    check(sandbox, run_traced(sandbox, "-m", "fs_sclimbic", "train", *flags))
    assert json.loads((sandbox / "work/out/model.json").read_text())["steps"] == 2


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_python(sandbox, tiny_model, engine):
    found = run_traced(sandbox, "-c", API, engine, tiny_model.weights, tiny_model.weights.with_name("tiny.ctab"))
    check(sandbox, found, may_write=("tmp",))
    assert f"structures by {engine}" in found.output


# No HOME; one that is not a folder; one that cannot be made, and nothing else that could be written.
NOWHERE_FOLDER = "/proc/nowhere"
HOMES = {
    "no home": {"HOME": None},
    "a home that is a file": {"HOME": "/dev/null"},
    "a home that cannot be written": {"HOME": NOWHERE_FOLDER, "XDG_CACHE_HOME": NOWHERE_FOLDER},
    "no folder for models": {"FS_SCLIMBIC_MODELS": NOWHERE_FOLDER},
    "a temporary folder that cannot be written": {"TMPDIR": NOWHERE_FOLDER, "HOME": NOWHERE_FOLDER},
}


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
@pytest.mark.parametrize("changes", HOMES.values(), ids=HOMES)
def test_every_home_will_do(sandbox, tiny_flags, engine, changes):
    """The run succeeds, says nothing of it, and leaves no trace there."""
    flags = ["--i", "head.nii.gz", "--o", "seg.mgz", "--quiet", "--engine", engine]
    found = run_traced(sandbox, "-m", "fs_sclimbic", *segmenting(tiny_flags, *flags), **changes)
    assert found.sockets == ()
    assert found.status == 0
    assert not [line for line in found.output.splitlines() if "saturated" not in line]  # the ball has one value
    assert (sandbox / "work/seg.mgz").exists()


NOBODY = """
import pwd, sys
def nobody(*_):
    raise KeyError("uid not found")
pwd.getpwuid = nobody
from fs_sclimbic.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_a_user_without_name_and_home(sandbox, tiny_flags, engine):
    """As a container's user that is not in the list of users."""
    flags = ["--i", "head.nii.gz", "--o", "seg.mgz", "--quiet", "--write_volumes", "--engine", engine]
    missing = dict.fromkeys(("HOME", "FS_SCLIMBIC_MODELS", "USER", "LOGNAME"))
    found = run_traced(sandbox, "-c", NOBODY, *segmenting(tiny_flags, *flags), **missing)
    check(sandbox, found, may_write=("work", "tmp"))
    assert "unknown" in (sandbox / "work/seg.stats").read_text()


@pytest.mark.parametrize("error", ["ENOLCK", "524"])
def test_a_file_system_without_locks(sandbox, tiny_flags, error):
    """As some NFS mounts are: weights are read and cases are run, and no lock stays."""
    flags = ["--i", "images", "--o", "results", "--quiet", "--write_qa_stats"]
    fault = [f"flock:error={error}"]
    found = run_traced(sandbox, "-m", "fs_sclimbic", *segmenting(tiny_flags, *flags), faults=fault)
    check(sandbox, found)
    assert "lock" not in found.output
    assert not [path for folder in ("work", "models", "tmp") for path in (sandbox / folder).rglob("*lock*")]


def test_training_on_a_file_system_without_locks(sandbox):
    write_heads(sandbox / "work/data", range(2))
    (sandbox / "work/four.ctab").write_text(format_ctab(FOUR))
    flags = ["--images=data/images", "--labels=data/labels", "--ctab=four.ctab", "--o=out", "--threads=1", *COURSE]
    found = run_traced(sandbox, "-m", "fs_sclimbic", "train", *flags, faults=["flock:error=EOPNOTSUPP"])
    check(sandbox, found)
    assert (sandbox / "work/out/model.h5").exists()
    assert not list((sandbox / "work").rglob("*lock*"))

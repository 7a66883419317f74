"""What a command does outside itself: sockets it opens and files it writes, as strace sees them."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

STRACE = shutil.which("strace")
NETWORK_CALLS = "%network,flock"
WRITING_CALLS = (
    "open,openat,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,"
    "unlink,unlinkat,rmdir,truncate,chmod,fchmodat,utimensat"
)
CALL = re.compile(r"^\d+ +(?P<name>\w+)\((?P<arguments>.*)$")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
FOLDER = re.compile(r"^(?:AT_FDCWD|\d+)<(?P<path>[^>]*)>")
OPENED_TO_READ = re.compile(r"\bO_RDONLY\b")
LOCAL_ADDRESSES = ("sa_family=AF_UNIX", 'inet_pton(AF_INET6, "::1"', 'inet_addr("127.0.0.1")')
MAKES_A_FILE = re.compile(r"\bO_(?:CREAT|TRUNC|TMPFILE)\b")


@dataclass(frozen=True)
class Trace:
    """What one command and its children did."""

    output: str
    """What they printed, on both streams."""
    status: int
    sockets: tuple[str, ...]
    """System calls on sockets with an address outside this machine: what connects, sends, or asks DNS."""
    written: tuple[Path, ...]
    """Paths that were opened to write, made, renamed or removed, or were to be."""


def strace_works() -> bool:
    """Whether this machine lets processes be traced."""
    if STRACE is None:
        return False
    return subprocess.run([STRACE, "-f", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def trace(command, *, cwd, env, log, faults=()) -> Trace:
    """Run a command under strace; ``faults``, such as ``flock:error=ENOLCK``, make system calls fail."""
    options = ["-f", "-qq", "-y", "-s", "4096", "-e", f"trace={NETWORK_CALLS},{WRITING_CALLS}", "-o", str(log)]
    for fault in faults:
        options += ["-e", f"inject={fault}"]
    bpf = (
        ["--seccomp-bpf"]
        if subprocess.run([STRACE, "--seccomp-bpf", "-f", "true"], capture_output=True).returncode == 0
        else []
    )
    done = subprocess.run([STRACE, *bpf, *options, *command], cwd=cwd, env=env, capture_output=True, text=True)
    sockets, written = [], []
    for line in log.read_text(errors="replace").splitlines():
        if match := CALL.match(line):
            name, arguments = match.group("name", "arguments")
            if is_remote(arguments):
                sockets.append(line)
            written += written_by(name, arguments, Path(cwd))
    return Trace(done.stdout + done.stderr, done.returncode, tuple(sockets), tuple(written))


def is_remote(arguments: str) -> bool:
    """Whether a system call names an address outside this machine: neither AF_UNIX nor loopback."""
    return "sa_family=" in arguments and not any(local in arguments for local in LOCAL_ADDRESSES)


def written_by(name: str, arguments: str, cwd: Path) -> list[Path]:
    """Paths that a system call changes; relative ones start from the folder that strace shows."""
    if name in ("open", "openat") and OPENED_TO_READ.search(arguments) and not MAKES_A_FILE.search(arguments):
        return []
    if name not in WRITING_CALLS.split(","):
        return []
    folder = FOLDER.match(arguments)
    start = Path(folder.group("path")) if folder else cwd
    paths = QUOTED.findall(arguments)
    if name.startswith("symlink"):  # the first one is the link's text
        paths = paths[1:]
    return [start / path for path in paths]

"""Run the steps of docs/cluster/Dockerfile in a folder that debootstrap has filled, without a container engine.

Reads the Dockerfile: COPY, RUN and ENV are done in the folder with chroot, FROM is checked against it, and ENTRYPOINT
is tried. Prints the size after each step. Needs root, Linux and debootstrap:

    debootstrap --variant=minbase bookworm ROOT
    python benchmarks/container.py ROOT [--image T1.nii.gz]
"""

import argparse
import json
import re
import shutil
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
DOCKERFILE = CHECKOUT / "docs/cluster/Dockerfile"
BYTES_PER_MB = 1e6


def read_dockerfile(text: str) -> list[tuple[str, str]]:
    """Instructions and their arguments."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, rest in (line.split(maxsplit=1) for line in lines)]


def size_mb(root: Path) -> float:
    """Bytes that the files of a root take, each counted once."""
    seen = {}
    for path in root.rglob("*"):
        if (
            not path.is_symlink()
            and path.is_file()
            and not {"proc", "sys", "dev"} & {*path.relative_to(root).parts[:1]}
        ):
            status = path.stat()
            seen[status.st_dev, status.st_ino] = status.st_size
    return sum(seen.values()) / BYTES_PER_MB


def run(root: Path, variables: dict[str, str], words: list[str]) -> None:
    """Run a command in the root."""
    environment = [f"{name}={value}" for name, value in variables.items()]
    subprocess.run(["chroot", root, "/usr/bin/env", "-i", "HOME=/root", *environment, *words], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--image", type=Path, help="segment this image in the end")
    parser.add_argument("--certificates", type=Path, help="certificates for pip, where a proxy has its own")
    args = parser.parse_args()
    root, variables = args.root, {"PATH": "/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin"}
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    if args.certificates:
        shutil.copy(args.certificates, root / "tmp/certificates.crt")
        variables["PIP_CERT"] = "/tmp/certificates.crt"
    entry: list[str] = []
    for word, rest in read_dockerfile(DOCKERFILE.read_text()):
        if word == "FROM":
            version = (root / "etc/debian_version").read_text().split(".")[0].strip()
            assert rest.startswith(f"debian:{version}"), f"{rest}: the root is Debian {version}"
        elif word == "COPY":
            source, target = rest.split()
            place = root / target.lstrip("/")
            place.mkdir(parents=True, exist_ok=True)
            files = subprocess.run(
                ["git", "-C", CHECKOUT / source, "archive", "HEAD"], check=True, capture_output=True
            ).stdout
            subprocess.run(["tar", "-x", "-C", place], input=files, check=True)
        elif word == "RUN":
            run(root, variables, ["bash", "-c", rest])
        elif word == "ENV":
            for name, value in re.findall(r"(\S+?)=(\S+)", rest):
                variables[name] = value.replace("$PATH", variables["PATH"])
        elif word == "ENTRYPOINT":
            entry = json.loads(rest)
        print(f"{size_mb(root):7.1f} MB  after {word} {rest}", flush=True)
    run(root, variables, [*entry, "--version"])
    if args.image:
        shutil.copy(args.image, root / "tmp/T1.nii.gz")
        words = ["--i", "/tmp/T1.nii.gz", "--o", "/tmp/seg.mgz", "--conform", "--write_volumes"]
        run(root, variables, ["mri_sclimbic_seg", *words])
        print((root / "tmp/seg.stats").read_text().splitlines()[-1])


if __name__ == "__main__":
    main()

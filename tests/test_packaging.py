"""The wheel carries every module and every data file of the checkout."""

import configparser
import re
import shutil
import subprocess
import sys
import zipfile

from fs_sclimbic import __version__
from tests.conftest import ROOT


def test_wheel_is_complete(tmp_path):
    # Built from a copy: an old build folder in the checkout would hide a missing file.
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info"))
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")

    shipped = set(zipfile.ZipFile(wheel).namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("fs_sclimbic/**/*.py")}
    data = {
        f"fs_sclimbic/{path.relative_to(ROOT).as_posix()}"
        for folder in ("ctab", "stats_templates")
        for path in ROOT.glob(f"{folder}/*.*")
    }
    data |= {path.relative_to(ROOT).as_posix() for path in ROOT.glob("fs_sclimbic/models/*")}
    assert len(data) >= 5
    assert modules | data | {"fs_sclimbic/py.typed", "fs_sclimbic/__init__.pyi"} <= shipped


def test_docs_give_a_reason_for_every_dependency():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    names = re.findall(r"^([A-Za-z0-9_-]+)", config["options"]["install_requires"], re.MULTILINE)
    extras = re.findall(r"^([A-Za-z0-9_-]+)", "\n".join(config["options.extras_require"].values()), re.MULTILINE)
    page = (ROOT / "docs/dependencies.md").read_text()
    assert len(names) >= 8
    assert not [name for name in names if f"| {name} |" not in page]
    assert not [name for name in extras if not re.search(rf"[|,] {name}[ ,]", page)]


def test_citation_names_this_version():
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_bin_runs_the_checkout():
    for name in ("mri_sclimbic_seg", "sclimbic_stats2table", "sclimbic_glmfit", "fs_sclimbic"):
        done = subprocess.run(
            [sys.executable, ROOT / "bin" / name, "--help"], check=True, capture_output=True, text=True, cwd="/"
        )
        assert name in done.stdout

import os
import pty
import subprocess
import sys

import numpy as np

from fs_sclimbic.cases.stats_files import read_stats
from fs_sclimbic.cli.demo import main as demo
from fs_sclimbic.image.sample import sample_head
from fs_sclimbic.image.volume import read_volume
from tests.conftest import ROOT


def test_demo(mni_demo, capsys):
    names = {path.name for path in mni_demo.iterdir()}
    assert names >= {"mni152.nii.gz", "mni152_sclimbic.nii.gz", "mni152_sclimbic.stats", "mni152_sclimbic.webp"}
    assert len(read_stats(mni_demo / "mni152_sclimbic.stats").structures) == 13
    header = (mni_demo / "mni152_sclimbic.stats").read_text()
    assert "# Weights fs_sclimbic.h5 SHA-256 " in header
    assert "(shipped)" in header
    assert "model install" in (mni_demo / "mri_sclimbic.log").read_text()


def test_demo_prints_the_table_and_what_to_do_next(mni_demo, capsys):
    assert demo([str(mni_demo)]) == 0
    printed = capsys.readouterr().out
    assert "skipped, done before" in printed
    assert "Right-SeptalNuc" in printed
    assert "$ mri_sclimbic_seg --i" in printed
    assert "mni152_sclimbic.webp" in printed


def test_without_nilearn(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "nilearn", None)
    assert demo([str(tmp_path / "out")]) == 2
    assert 'pip install "fs_sclimbic[demo]"' in capsys.readouterr().err


def test_sample_as_written(mni_demo):
    written = read_volume(mni_demo / "mni152.nii.gz")
    assert np.array_equal(written.data, sample_head().data)


def test_a_demo_on_a_closed_terminal_is_drawn(mni_demo):
    master, slave = pty.openpty()
    os.close(master)
    (mni_demo / "mni152_sclimbic.webp").unlink()
    command = [sys.executable, str(ROOT / "bin/fs_sclimbic"), "demo", str(mni_demo)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
    os.close(slave)
    assert done.returncode == 0
    assert (mni_demo / "mni152_sclimbic.webp").is_file()

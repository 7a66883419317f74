"""Where cases run: in this process, in workers, or on a Dask cluster."""

import sys

import pytest

from fs_sclimbic.cli.arguments import parse_flags
from fs_sclimbic.cli.workplace import choose_count, runs_elsewhere
from fs_sclimbic.image.volume import write_volume


@pytest.mark.parametrize(
    ("asked", "processors", "available_mb", "expected"),
    [
        (0, 8, 100_000, 8),
        (0, 8, 1300, 2),
        (0, 8, 10, 1),
        (0, 99, 100_000, 20),
        (4, 1, 100_000, 4),
        (40, 1, 100_000, 20),
    ],
)
def test_how_many_workers_run(asked, processors, available_mb, expected, capsys):
    assert choose_count(asked, 600, 20, processors=processors, available_mb=available_mb) == expected
    assert not capsys.readouterr().err


def test_more_workers_than_memory_are_warned_of(capsys):
    assert choose_count(4, 600, 20, available_mb=1300) == 4
    assert "4 workers may take 2.3 GB, and 1.3 GB are free" in capsys.readouterr().err


def test_which_flags_send_cases_elsewhere():
    flags = ["--i", "a.nii", "--o", "b.mgz"]
    assert not runs_elsewhere(parse_flags(flags))
    assert runs_elsewhere(parse_flags([*flags, "--workers", "2"]))
    assert runs_elsewhere(parse_flags([*flags, "--workers", "0"]))
    assert runs_elsewhere(parse_flags([*flags, "--dask", "tcp://host:8786"]))


def test_workers_write_the_tables_in_the_order_of_the_cases(tmp_path, head, run_seg, capsys):
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    for name in "dbca":
        write_volume(head, images / f"{name}.nii.gz")
    assert run_seg(f"--i {images} --o {out} --workers 2 --full-fov --write_volumes --no-cite-sclimbic") == 0
    printed = capsys.readouterr().out
    assert "worker processes: 2, threads of each: 1" in printed
    assert printed.splitlines()[-1] == "done"
    rows = (out / "sclimbic_volumes_all.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["case", *"abcd"]


def test_dask_that_is_not_installed_is_said_in_one_line(tmp_path, head_file, run_seg, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "fs_sclimbic.execution.dask", raising=False)
    assert run_seg(f"--i {head_file} --o {tmp_path}/seg.mgz --dask tcp://127.0.0.1:1") == 2
    assert "pip install 'fs_sclimbic[dask]'" in capsys.readouterr().err


def test_no_scheduler_is_said_in_one_line(tmp_path, head_file, run_seg, capsys):
    assert run_seg(f"--i {head_file} --o {tmp_path}/seg.mgz --dask {tmp_path}/scheduler.json") == 2
    assert "no such scheduler file" in capsys.readouterr().err

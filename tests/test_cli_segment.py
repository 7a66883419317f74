"""mri_sclimbic_seg as a user types it, in process, on synthetic heads with a tiny model."""

import csv
import os
import signal
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pytest

from fs_sclimbic.cli.segment import main
from fs_sclimbic.volume import Grid, Volume, read_volume, write_volume

from .conftest import CENTER, ROOT, grid_about, synthetic_head


def table(path):
    with open(path) as file:
        return list(csv.reader(file))


def bad_folder(folder, head):
    """One good image and seven bad ones, and the words their lines must hold."""
    folder.mkdir()
    write_volume(head, folder / "good.nii.gz")
    write_volume(head, folder / "cut.mgz")
    whole = (folder / "cut.mgz").read_bytes()
    (folder / "cut.mgz").write_bytes(whole[: len(whole) // 2])
    nib.save(nib.Nifti1Image(np.stack([head.data] * 3, -1), head.grid.vox2ras), folder / "four.nii.gz")
    write_volume(Volume(np.zeros_like(head.data), head.grid), folder / "blank.nii.gz")
    (folder / "text.nii").write_text("subject,age\nbert,42\n" * 30)
    write_volume(synthetic_head(grid_about(CENTER, (20, 20, 20), np.eye(3), (3, 3, 3))), folder / "thick.nii.gz")
    write_volume(
        Volume(np.where(head.data > 150, np.nan, head.data).astype(np.float32), head.grid), folder / "nan.nii.gz"
    )
    (folder / "empty.mgz").write_bytes(b"")
    return {
        "cut": "cut off or damaged",
        "four": "found 3",
        "blank": "blank",
        "text": "is not a .nii",
        "thick": "--conform",
        "nan": "NaN",
        "empty": "0 bytes",
    }


def test_a_folder_with_one_good_image(tmp_path, head, tiny_flags, capsys):
    words = bad_folder(tmp_path / "in", head)
    assert (
        main(
            [
                "--i",
                str(tmp_path / "in"),
                "--o",
                str(tmp_path / "out"),
                "--write_qa_stats",
                "--write_volumes",
                *tiny_flags,
            ]
        )
        == 1
    )
    printed = capsys.readouterr()
    failures = [line for line in printed.err.splitlines() if ": failed: " in line]
    assert len(failures) == len(words) == 7
    for name, word in words.items():
        (line,) = [line for line in failures if f"] {name}: " in line]
        assert word in line
        assert str(tmp_path / "in" / name) in line
    assert "1 done, 0 skipped, 7 failed" in printed.out
    for name in ("volumes", "zqa_scores", "confidences"):
        assert [row[0] for row in table(tmp_path / f"out/sclimbic_{name}_all.csv")] == ["case", "good"]
    assert (tmp_path / "out/sclimbic_confidence_all.csv").read_text() == (
        tmp_path / "out/sclimbic_confidences_all.csv"
    ).read_text()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "good.sclimbic.json",
        "good.sclimbic.nii.gz",
        "good.sclimbic.qa.stats",
        "good.sclimbic.stats",
        "mri_sclimbic.log",
        "sclimbic.ctab",
        "sclimbic_confidence_all.csv",
        "sclimbic_confidences_all.csv",
        "sclimbic_volumes_all.csv",
        "sclimbic_zqa_scores_all.csv",
    ]
    log = (tmp_path / "out/mri_sclimbic.log").read_text()
    assert all(f" {name} failed " in log for name in words)


def test_an_interrupted_folder_goes_on_where_it_stopped(tmp_path, head, tiny_flags, capsys):
    (tmp_path / "in").mkdir()
    for name in "abc":
        write_volume(Volume(head.data * (1 + ord(name)), head.grid), tmp_path / f"in/{name}.mgz")
    call = ["--i", str(tmp_path / "in"), "--o", str(tmp_path / "out"), *tiny_flags]
    assert main(call) == 0
    whole = (tmp_path / "out/sclimbic_volumes_all.csv").read_bytes()
    image = (tmp_path / "out/b.sclimbic.mgz").read_bytes()
    (tmp_path / "out/b.sclimbic.json").unlink()  # as if killed before the record of b
    (tmp_path / "out/sclimbic_volumes_all.csv").unlink()
    capsys.readouterr()
    assert main(call) == 0
    assert "1 done, 2 skipped, 0 failed" in capsys.readouterr().out
    assert (tmp_path / "out/sclimbic_volumes_all.csv").read_bytes() == whole
    assert (tmp_path / "out/b.sclimbic.mgz").read_bytes() == image


def test_one_image(tmp_path, head_file, tiny_flags, capsys):
    out = tmp_path / "o/sub-01_desc-sclimbic_dseg.nii.gz"
    assert (
        main(
            [
                "-i",
                str(head_file),
                "-o",
                str(out),
                "--write_volumes",
                "--write_qa_stats",
                "--write_posteriors",
                "--vmp",
                *tiny_flags,
            ]
        )
        == 0
    )
    stem = "sub-01_desc-sclimbic_dseg"
    assert sorted(path.name for path in out.parent.iterdir()) == sorted(
        [
            "mri_sclimbic.log",
            *(
                f"{stem}{ending}"
                for ending in (
                    ".nii.gz",
                    ".ctab",
                    ".posteriors.nii.gz",
                    ".stats",
                    ".qa.stats",
                    ".sclimbic.json",
                    ".zqa_scores_all.csv",
                    ".confidences_all.csv",
                )
            ),
        ]
    )
    assert table(out.parent / f"{stem}.confidences_all.csv")[0] == ["case", "Left-Ball"]
    printed = capsys.readouterr().out
    assert "vmpcma: " in printed
    assert "please cite" in printed


def test_only_what_is_asked_for(tmp_path, head_file, tiny_flags, capsys):
    assert (
        main(["--i", str(head_file), "--o", str(tmp_path / "o/seg.mgz"), "--quiet", "--no-cite-sclimbic", *tiny_flags])
        == 0
    )
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == [
        "mri_sclimbic.log",
        "seg.mgz",
        "seg.sclimbic.json",
    ]
    assert capsys.readouterr() == ("", "")


def test_logfile_names(tmp_path, head_file, subjects_dir, tiny_flags):
    main(["--i", str(head_file), "--o", str(tmp_path / "o/seg.mgz"), "--logfile", "my.log", *tiny_flags])
    assert (tmp_path / "o/my.log").is_file()
    main(
        [
            "--i",
            str(head_file),
            "--o",
            str(tmp_path / "o/seg.mgz"),
            "--logfile",
            str(tmp_path / "logs/x.log"),
            *tiny_flags,
        ]
    )
    assert "skipped" in (tmp_path / "logs/x.log").read_text()
    main(["--s", "bert", "--sd", str(subjects_dir), "--logfile", "my.log", *tiny_flags])
    assert (subjects_dir / "bert/scripts/my.log").is_file()
    assert not (subjects_dir / "bert/scripts/sclimbic.log").exists()


def test_all_subjects(subjects_dir, tiny_flags, monkeypatch):
    monkeypatch.setenv("SUBJECTS_DIR", str(subjects_dir))
    assert main(["--s", "--keep_ac", "--write_qa_stats", *tiny_flags]) == 0
    rows = table(subjects_dir / "sclimbic_volumes_all.csv")
    assert rows[0] == ["case", "Left-Ball", "Right-Ball", "eTIV"]
    assert [row[0] for row in rows[1:]] == ["bert", "bert.long.base", "ernie"]
    assert float(rows[3][3]) == pytest.approx(1948106 / 1.2**3, abs=1e-3)
    assert (subjects_dir / "sclimbic_zqa_scores_all.csv").is_file()
    assert (subjects_dir / "bert/stats/sclimbic.qa.stats").is_file()


def test_one_subject_writes_no_volume_table(subjects_dir, tiny_flags):
    assert main(["--s", "bert", "--sd", str(subjects_dir), "--write_qa_stats", *tiny_flags]) == 0
    assert sorted(path.name for path in subjects_dir.glob("*.csv")) == [
        "sclimbic_confidence_all.csv",
        "sclimbic_confidences_all.csv",
        "sclimbic_zqa_scores_all.csv",
    ]
    assert main(["--s", "bert", "--sd", str(subjects_dir), "--output-base", "entowm", *tiny_flags]) == 0
    assert (subjects_dir / "bert/mri/entowm.mgz").is_file()


def test_longitudinal_pattern_and_a_bad_subject(subjects_dir, tiny_flags):
    assert main(["--s", "*.long.*", "ernie", "ghost", "--sd", str(subjects_dir), "--no-etiv", *tiny_flags]) == 1
    rows = table(subjects_dir / "sclimbic_volumes_all.csv")
    assert [row[0] for row in rows] == ["case", "bert.long.base", "ernie"]
    assert "eTIV" not in rows[0]


def test_etiv_for_images(tmp_path, head, subjects_dir, tiny_flags):
    xfm = subjects_dir / "bert/mri/transforms/talairach.xfm"
    (tmp_path / "in").mkdir()
    for name in "ab":
        write_volume(head, tmp_path / f"in/{name}.mgz")
    (tmp_path / "in/a.tal.xfm").write_text(xfm.read_text())
    assert main(["--i", str(tmp_path / "in"), "--o", str(tmp_path / "out"), "--tal", ".tal.xfm", *tiny_flags]) == 1
    rows = table(tmp_path / "out/sclimbic_volumes_all.csv")
    assert (rows[0][-1], rows[1][0], len(rows)) == ("eTIV", "a", 2)
    assert (
        main(
            [
                "--i",
                str(tmp_path / "in/a.mgz"),
                "--o",
                str(tmp_path / "o.mgz"),
                "--tal",
                str(xfm),
                "--write_volumes",
                *tiny_flags,
            ]
        )
        == 0
    )
    assert "# Measure EstimatedTotalIntraCranialVol, eTIV" in (tmp_path / "o.stats").read_text()


def test_exclude_and_counts(tmp_path, head_file, tiny_flags):
    call = [
        "--i",
        str(head_file),
        "--o",
        str(tmp_path / "seg.mgz"),
        "--write_volumes",
        "--exclude",
        "26",
        "--keep_ac",
        "--vox-count-volumes",
        *tiny_flags,
    ]
    assert main(call) == 0
    row = [line.split() for line in (tmp_path / "seg.stats").read_text().splitlines() if "#" not in line]
    assert [(r[1], float(r[2]) == float(r[3])) for r in row] == [("853", True)]
    assert set(np.unique(read_volume(tmp_path / "seg.mgz").data)) == {0, 26, 853}


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--i", "a.mgz"], "--o"),
        (["--i", "a.mgz", "--o", "b.mgz", "--s", "x"], "exclude each other"),
        (["--threads", "2"], "--i IMAGE"),
        (["--i", "a.mgz", "--o", "b.mgz", "--etiv"], "--tal"),
        (["--s", "x", "--o", "b.mgz"], "--o goes with"),
        (["--i", "a.mgz", "--o", "b.mgz", "--sd", "x"], "--sd goes"),
        (["--s", "x", "--no-etiv", "--tal", "y"], "contradicts"),
        (["--s", "x"], "SUBJECTS_DIR"),
        (["--i", "nowhere", "--o", "out"], "must name an image"),
        (["--i", "nowhere", "--o", "b.mgz"], "no such"),
        (["--s", "--sd", "nowhere"], "does not exist"),
        (["--nonsense"], "unrecognized|required|give --i"),
        (["--i", "a.mgz", "--o", "b.mgz", "--threads", "0"], "--threads 0"),
        (["--i", "a.mgz", "--o", "b.mgz", "--percentile", "101"], "--percentile 101"),
        (["--i", "a.mgz", "--o", "b.mgz", "--7T", "--percentile", "95"], "--7T"),
        (["--i", "a.mgz", "--o", "b.mgz", "--exclude", "x"], "invalid int"),
        (["--i", "a.mgz", "--o", "b.mgz", "--fov", "150"], "multiple of 4"),
    ],
)
def test_a_command_line_that_makes_no_sense(flags, word, capsys, tmp_path, monkeypatch, tiny_flags):
    import re

    monkeypatch.chdir(tmp_path)
    assert main([*flags, "--model", tiny_flags[1]] if "--fov" in flags else flags) == 2
    error = capsys.readouterr().err
    assert re.search(word, error)
    assert "Traceback" not in error
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".mgz", ".csv")]


def test_folder_and_file_are_not_mixed(tmp_path, head, tiny_flags, capsys):
    (tmp_path / "in").mkdir()
    assert main(["--i", str(tmp_path / "in"), "--o", str(tmp_path / "o.mgz"), *tiny_flags]) == 2
    assert main(["--i", str(tmp_path / "in"), "--o", str(tmp_path / "out"), *tiny_flags]) == 2
    assert "no image found" in capsys.readouterr().err
    write_volume(head, tmp_path / "in/a.mgz")
    assert main(["--i", str(tmp_path / "in/a.mgz"), "--o", str(tmp_path), *tiny_flags]) == 2
    assert main(["--i", str(tmp_path / "in/a.mgz"), "--o", str(tmp_path / "in/a.mgz"), *tiny_flags]) == 2
    assert read_volume(tmp_path / "in/a.mgz").data.dtype.kind == "f"


def test_no_argument_is_help(capsys):
    assert main([]) == 1
    assert "usage: mri_sclimbic_seg" in capsys.readouterr().out
    assert main(["--help"]) == 0
    assert main(["--version"]) == 0


def test_no_weights_is_said_before_anything_is_written(tmp_path, head_file, capsys):
    assert main(["--i", str(head_file), "--o", str(tmp_path / "o.mgz")]) == 1
    assert "no weights found. Looked at" in capsys.readouterr().err
    assert not (tmp_path / "o.mgz").exists()


def test_weights_that_do_not_fit_are_refused_before_the_night(tmp_path, head_file, tiny_flags, capsys):
    assert main(["--i", str(head_file), "--o", str(tmp_path / "o.mgz"), *tiny_flags[:2]]) == 1
    assert "--features 2" in capsys.readouterr().err


def test_help_covers_every_flag_of_the_contract(capsys):
    main(["--help"])
    text = capsys.readouterr().out
    for flag in (
        "-i",
        "--i",
        "-o",
        "--o",
        "-s",
        "--s",
        "--sd",
        "--conform",
        "--etiv",
        "--tal",
        "--write_posteriors",
        "--write_volumes",
        "--write_qa_stats",
        "--exclude",
        "--keep_ac",
        "--vox-count-volumes",
        "--model",
        "--ctab",
        "--population-stats",
        "--population_stats",
        "--fov",
        "--features",
        "--nchannels",
        "--percentile",
        "--7T",
        "--threads",
        "--cuda-device",
        "--output-base",
        "--logfile",
        "--no-cite-sclimbic",
        "--debug",
        "--vmp",
    ):
        assert flag in text


def test_calls_of_other_programs(tmp_path, head_file, head, subjects_dir, tiny_model, capsys):
    """The lines that pipelines give, with the tiny model's geometry added where the line leaves the default."""
    ctab, model = str(tiny_model.weights.with_name("tiny.ctab")), str(tiny_model.weights)
    tiny = ["--fov", "48", "--features", "2"]
    lines = [
        [
            "--conform",
            "--ctab",
            ctab,
            "--i",
            str(head_file),
            "--o",
            str(tmp_path / "sclimbic.mgz"),
            "--write_volumes",
            "--model",
            model,
        ],
        [
            "--conform",
            "--ctab",
            ctab,
            "--i",
            str(head_file),
            "--keep_ac",
            "--model",
            model,
            "--o",
            str(tmp_path / "raphe_seg.mgz"),
            "--percentile",
            "99.900000",
            "--vmp",
            "--write_volumes",
        ],
        [
            "--s",
            "bert",
            "--percentile",
            "99.9",
            "--conform",
            "--write_qa_stats",
            "--threads",
            "1",
            "--model",
            model,
            "--ctab",
            ctab,
            "--sd",
            str(subjects_dir),
        ],
        [
            "--s",
            "bert",
            "--no-cite-sclimbic",
            "--model",
            model,
            "--keep_ac",
            "--ctab",
            ctab,
            "--percentile",
            "99.9",
            "--vmp",
            "--output-base",
            "entowm",
            "--sd",
            str(subjects_dir),
        ],
        ["-s", "bert", "--conform", "--write_qa_stats", "--model", model, "--ctab", ctab, "--sd", str(subjects_dir)],
    ]
    for line in lines:
        assert main([*line, *tiny]) == 0, capsys.readouterr().err
    assert (tmp_path / "sclimbic.stats").is_file()


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
def test_a_scheduler_that_ends_the_job_loses_no_case(tmp_path, head, tiny_flags):
    """SIGTERM in the middle of a real run: the table of what is done is written, and the next run goes on."""
    (tmp_path / "in").mkdir()
    for number in range(400):
        write_volume(Volume(head.data * (number + 1), head.grid), tmp_path / f"in/{number:03d}.mgh")
    call = [sys.executable, "-m", "fs_sclimbic", "--i", str(tmp_path / "in"), "--o", str(tmp_path / "out"), *tiny_flags]
    running = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "out").glob("*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    printed, _ = running.communicate(timeout=120)
    assert running.returncode == 130, printed
    done = len(list((tmp_path / "out").glob("*.json")))
    assert 3 <= done < 400
    assert len(table(tmp_path / "out/sclimbic_volumes_all.csv")) == done + 1
    assert f"{400 - done} not run" in printed
    assert not list((tmp_path / "out").glob(".*.tmp"))


def test_an_unwritable_log_or_grid_of_unit_shape_costs_nothing(tmp_path, tiny_flags, head):
    flat = Volume(head.data[:, :, :1], Grid((60, 56, 1), head.grid.vox2ras))
    write_volume(flat, tmp_path / "flat.nii.gz")
    assert main(["--i", str(tmp_path / "flat.nii.gz"), "--o", str(tmp_path / "o.mgz"), *tiny_flags]) == 1

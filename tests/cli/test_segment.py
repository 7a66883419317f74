"""mri_sclimbic_seg as a user types it, in process, on synthetic heads with a tiny model."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fs_sclimbic.cases.pipeline import HeadFinders
from fs_sclimbic.cases.stats_files import read_stats
from fs_sclimbic.cli.arguments import parse_flags
from fs_sclimbic.cli.segment import main
from fs_sclimbic.errors import ImageError, ModelError
from fs_sclimbic.image.volume import Volume, read_volume, write_volume
from fs_sclimbic.registration.etiv import etiv_mm3
from fs_sclimbic.registration.talairach import Registration
from tests.conftest import CENTER, ROOT, grid_about, synthetic_head
from tests.heads import RAS2MNI, whole_head


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


def test_a_folder_with_one_good_image(tmp_path, head, capsys, run_seg):
    words = bad_folder(tmp_path / "in", head)
    assert run_seg(f"--i {tmp_path / 'in'} --o {tmp_path / 'out'} --write_qa_stats --write_volumes") == 1
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
        "good.sclimbic.webp",
        "mri_sclimbic.log",
        "sclimbic.ctab",
        "sclimbic_confidence_all.csv",
        "sclimbic_confidences_all.csv",
        "sclimbic_qa_flags_all.csv",
        "sclimbic_volumes_all.csv",
        "sclimbic_weights.txt",
        "sclimbic_zqa_scores_all.csv",
    ]
    log = (tmp_path / "out/mri_sclimbic.log").read_text()
    assert all(f" {name} failed " in log for name in words)


def test_a_run_ends_with_the_verdicts(tmp_path, head, capsys, run_seg):
    (tmp_path / "in").mkdir()
    noise = np.random.default_rng(0).normal(0, 2, head.data.shape)
    for name, hot in (("plain", 0), ("hot", 900)):
        data = head.data + noise
        data[5, 5, 5] += hot
        write_volume(Volume(data.astype(np.float32), head.grid), tmp_path / f"in/{name}.mgz")
    call = f"--i {tmp_path / 'in'} --o {tmp_path / 'out'} --write_qa_stats --no-cite-sclimbic"
    for _ in range(2):  # done, and skipped
        assert run_seg(call) == 0
        *_, verdicts, hint, last = capsys.readouterr().out.splitlines()
        assert hint == f"look at them: fs_sclimbic qc {tmp_path / 'out'}"
        assert last == "done"
        assert re.fullmatch(r"1 good, 1 (to look at|bad) \(hot: .*\)", verdicts), verdicts
        header, *rows = table(tmp_path / "out/sclimbic_qa_flags_all.csv")
        assert header == ["case", "verdict", "n_flags", "reasons", "whole_case", "Left-Ball"]
        by_case = {row[0]: row for row in rows}
        assert by_case["plain"][1:] == ["good", "0", "-", "-", "-"]
        assert "HOT" in by_case["hot"][4]
    record = tmp_path / "out/plain.sclimbic.json"
    old = json.loads(record.read_text())
    record.write_text(json.dumps({key: old[key] for key in old if key not in ("flags", "sha256")}))
    assert run_seg(call) == 0
    assert "note: an earlier version made 1 of these results" in capsys.readouterr().out
    assert "# Flag HOT" in (tmp_path / "out/hot.sclimbic.qa.stats").read_text()
    assert verdicts in (tmp_path / "out/mri_sclimbic.log").read_text()


def test_an_interrupted_folder_goes_on_where_it_stopped(tmp_path, head, capsys, run_seg):
    (tmp_path / "in").mkdir()
    for name in "abc":
        write_volume(Volume(head.data * (1 + ord(name)), head.grid), tmp_path / f"in/{name}.mgz")
    call = f"--i {tmp_path / 'in'} --o {tmp_path / 'out'}"
    assert run_seg(call) == 0
    whole = (tmp_path / "out/sclimbic_volumes_all.csv").read_bytes()
    image = (tmp_path / "out/b.sclimbic.mgz").read_bytes()
    (tmp_path / "out/b.sclimbic.json").unlink()  # as if killed before the record of b
    (tmp_path / "out/sclimbic_volumes_all.csv").unlink()
    capsys.readouterr()
    assert run_seg(call) == 0
    assert "1 done, 2 skipped, 0 failed" in capsys.readouterr().out
    assert (tmp_path / "out/sclimbic_volumes_all.csv").read_bytes() == whole
    assert (tmp_path / "out/b.sclimbic.mgz").read_bytes() == image


def test_one_image(tmp_path, head_file, capsys, run_seg):
    out = tmp_path / "o/sub-01_desc-sclimbic_dseg.nii.gz"
    assert run_seg(f"-i {head_file} -o {out} --write_volumes --write_qa_stats --write_posteriors --vmp") == 0
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
                    ".qa_flags_all.csv",
                )
            ),
        ]
    )
    assert table(out.parent / f"{stem}.confidences_all.csv")[0] == ["case", "Left-Ball"]
    printed = capsys.readouterr().out
    assert "vmpcma: " in printed
    assert "please cite" in printed


def test_only_what_is_asked_for(tmp_path, head_file, capsys, run_seg):
    assert run_seg(f"--i {head_file} --o {tmp_path / 'o/seg.mgz'} --quiet --no-cite-sclimbic") == 0
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == [
        "mri_sclimbic.log",
        "seg.mgz",
        "seg.sclimbic.json",
    ]
    out, err = capsys.readouterr()
    assert out == ""
    assert not [line for line in err.splitlines() if "saturated" not in line]  # the white ball has one value


def test_logfile_names(tmp_path, head_file, subjects_dir, run_seg):
    run_seg(f"--i {head_file} --o {tmp_path / 'o/seg.mgz'} --logfile my.log")
    assert (tmp_path / "o/my.log").is_file()
    run_seg(f"--i {head_file} --o {tmp_path / 'o/seg.mgz'} --logfile {tmp_path / 'logs/x.log'}")
    assert "skipped" in (tmp_path / "logs/x.log").read_text()
    run_seg(f"--s bert --sd {subjects_dir} --logfile my.log")
    assert (subjects_dir / "bert/scripts/my.log").is_file()
    assert not (subjects_dir / "bert/scripts/sclimbic.log").exists()


def test_all_subjects(subjects_dir, monkeypatch, run_seg):
    monkeypatch.setenv("SUBJECTS_DIR", str(subjects_dir))
    assert run_seg("--s --keep_ac --write_qa_stats") == 0
    rows = table(subjects_dir / "sclimbic_volumes_all.csv")
    assert rows[0] == ["case", "Left-Ball", "Right-Ball", "eTIV"]
    assert [row[0] for row in rows[1:]] == ["bert", "bert.long.base", "ernie"]
    assert float(rows[3][3]) == pytest.approx(1948106 / 1.2**3, abs=1e-3)
    assert (subjects_dir / "sclimbic_zqa_scores_all.csv").is_file()
    assert (subjects_dir / "bert/stats/sclimbic.qa.stats").is_file()


def test_one_subject_writes_no_volume_table(subjects_dir, run_seg):
    assert run_seg(f"--s bert --sd {subjects_dir} --write_qa_stats") == 0
    assert sorted(path.name for path in subjects_dir.glob("*.csv")) == [
        "sclimbic_confidence_all.csv",
        "sclimbic_confidences_all.csv",
        "sclimbic_qa_flags_all.csv",
        "sclimbic_zqa_scores_all.csv",
    ]
    assert run_seg(f"--s bert --sd {subjects_dir} --output-base entowm") == 0
    assert (subjects_dir / "bert/mri/entowm.mgz").is_file()


def test_longitudinal_pattern_and_a_bad_subject(subjects_dir, run_seg):
    assert run_seg(f"--s *.long.* ernie ghost x* --sd {subjects_dir}") == 1
    assert [row[0] for row in table(subjects_dir / "sclimbic_volumes_all.csv")] == ["case", "bert.long.base", "ernie"]


WITHOUT_PRIVILEGES = [] if os.geteuid() else ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
"""What makes root obey permissions."""


@pytest.mark.skipif(bool(WITHOUT_PRIVILEGES and not shutil.which("setpriv")), reason="root reads everything")
@pytest.mark.parametrize("names", ["bert ernie bert.long.base", "", "b* ernie"])
def test_a_subject_without_permission_costs_no_other(subjects_dir, tiny_flags, names):
    closed = subjects_dir / "bert"
    closed.chmod(0)
    call = [sys.executable, "-m", "fs_sclimbic", "--sd", str(subjects_dir), *tiny_flags, "--s", *names.split()]
    try:
        ended = subprocess.run([*WITHOUT_PRIVILEGES, *call], cwd=ROOT, capture_output=True, text=True, check=False)
    finally:
        closed.chmod(0o755)
    assert ended.returncode == 1, ended.stderr
    assert "2 done, 0 skipped, 1 failed" in ended.stdout
    (line,) = [line for line in ended.stderr.splitlines() if str(closed) in line]
    assert f"bert: failed: {closed}/mri/nu.mgz: cannot be read (Permission denied); change the permissions" in line
    rows = table(subjects_dir / "sclimbic_volumes_all.csv")
    assert sorted(row[0] for row in rows) == ["bert.long.base", "case", "ernie"]


def test_no_etiv_lets_a_subject_without_a_transform_pass(subjects_dir, capsys, run_seg):
    (subjects_dir / "bert/mri/transforms/talairach.xfm").unlink()
    call = f"--s bert ernie --sd {subjects_dir}"
    assert run_seg(call) == 1
    assert "--no-etiv" in capsys.readouterr().err
    assert run_seg(f"{call} --no-etiv") == 0
    assert "1 done, 1 skipped, 0 failed" in capsys.readouterr().out
    rows = table(subjects_dir / "sclimbic_volumes_all.csv")
    assert (rows[0][-1], rows[1][-1]) == ("eTIV", "")
    assert float(rows[2][-1]) == pytest.approx(1948106 / 1.2**3, abs=1e-3)


def test_etiv_for_images(tmp_path, head, subjects_dir, run_seg):
    xfm = subjects_dir / "bert/mri/transforms/talairach.xfm"
    (tmp_path / "in").mkdir()
    for name in "ab":
        write_volume(head, tmp_path / f"in/{name}.mgz")
    (tmp_path / "in/a.tal.xfm").write_text(xfm.read_text())
    assert run_seg(f"--i {tmp_path / 'in'} --o {tmp_path / 'out'} --tal .tal.xfm") == 1
    rows = table(tmp_path / "out/sclimbic_volumes_all.csv")
    assert (rows[0][-1], rows[1][0], len(rows)) == ("eTIV", "a", 2)
    assert run_seg(f"--i {tmp_path / 'in/a.mgz'} --o {tmp_path / 'o.mgz'} --tal {xfm} --write_volumes") == 0
    assert "# Measure EstimatedTotalIntraCranialVol, eTIV" in (tmp_path / "o.stats").read_text()


def measure_line(stats):
    (line,) = [line for line in stats.read_text().splitlines() if "EstimatedTotalIntraCranialVol" in line]
    return line


def test_etiv_from_the_image_and_back_through_its_transform(tmp_path, run_seg):
    """A real registration: the transform that is written gives the same eTIV to the last printed digit."""
    write_volume(whole_head(), tmp_path / "t1.mgz")

    def etiv(name, *flags):
        call = f"--i {tmp_path / 't1.mgz'} --o {tmp_path / name} --conform --write_volumes"
        assert run_seg(f"{call} {' '.join(flags)}") == 0
        return measure_line((tmp_path / name).with_suffix(".stats"))

    computed = etiv("seg.mgz", "--etiv")
    assert float(computed.split(", ")[-2]) == pytest.approx(etiv_mm3(RAS2MNI), rel=0.01)
    assert etiv("xfm.mgz", "--tal", str(tmp_path / "seg.talairach.xfm")) == computed
    assert etiv("lta.mgz", "--etiv", "--tal", str(tmp_path / "seg.talairach.lta")) == computed
    assert not list(tmp_path.glob("xfm.talairach*")) + list(tmp_path.glob("lta.talairach*"))


def test_a_doubtful_etiv_is_told_on_screen_and_in_the_log(tmp_path, head_file, capsys, run_seg):
    doubtful = Registration(np.diag([1.1, 1.1, 1.1, 1]), 0.6, False, ("it looks odd",))
    finders = HeadFinders(register=lambda _: doubtful)
    call = f"--i {head_file} --o {tmp_path / 'seg.mgz'} --etiv --write_qa_stats --quiet"
    assert run_seg(call, finders=finders) == 0
    words = "ETIV (doubtful): eTIV of 1464 cm^3 comes from a transform of which it looks odd"
    assert words in capsys.readouterr().err
    assert words in (tmp_path / "mri_sclimbic.log").read_text()
    assert words.replace("eTIV", "intracranial volume") in (tmp_path / "seg.qa.stats").read_text()


def test_etiv_of_a_folder(tmp_path, head, capsys, run_seg):
    """A case without a head fails alone; a second run registers only what is not done."""
    (tmp_path / "in").mkdir()
    for number, name in enumerate(("a", "b", "none")):
        write_volume(Volume(head.data * (number + 1), head.grid), tmp_path / f"in/{name}.nii.gz")
    calls = []

    def register(image):
        calls.append(image.data.max())
        if image.data.max() > 500:
            raise ImageError("no head")
        return Registration(np.diag([1.1, 1.1, 1.1, 1]), 0.9, False, ())

    finders = HeadFinders(register=register)
    call = f"--i {tmp_path / 'in'} --o {tmp_path / 'out'} --etiv"
    assert run_seg(call, finders=finders) == 1
    assert f"{tmp_path / 'in/none.nii.gz'}: no head" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "out").glob("*.talairach.*")) == [
        f"{name}.sclimbic.talairach.{ending}" for name in "ab" for ending in ("lta", "xfm")
    ]
    rows = table(tmp_path / "out/sclimbic_volumes_all.csv")
    assert [(row[0], float(row[-1])) for row in rows[1:]] == [
        (name, pytest.approx(1948106 / 1.1**3, abs=1e-3)) for name in "ab"
    ]
    assert len(calls) == 3
    assert run_seg(call, finders=finders) == 1
    assert len(calls) == 4, "only the one without a head again"
    assert "0 done, 2 skipped, 1 failed" in capsys.readouterr().out


def test_etiv_of_subjects(subjects_dir, run_seg):
    calls = []

    def register(image):
        calls.append(image)
        return Registration(np.diag([1.15, 1.15, 1.15, 1]), 0.9, False, ())

    finders = HeadFinders(register=register)
    call, stats = f"--s bert --sd {subjects_dir}", subjects_dir / "bert/stats/sclimbic.stats"
    for flag in ("", "--etiv"):
        assert run_seg(f"{call} {flag}", finders=finders) == 0
        assert read_stats(stats).etiv_mm3 == pytest.approx(1948106 / 1.1**3)
    assert not calls, "recon-all's transform is what counts"
    transforms = subjects_dir / "bert/mri/transforms"
    before = (transforms / "talairach.xfm").read_bytes()
    assert run_seg(f"{call} --etiv-from-image", finders=finders) == 2, "another source of eTIV"
    assert run_seg(f"{call} --etiv-from-image --redo", finders=finders) == 0
    assert read_stats(stats).etiv_mm3 == pytest.approx(1948106 / 1.15**3)
    assert len(calls) == 1
    assert (transforms / "talairach.xfm").read_bytes() == before
    assert sorted(path.name for path in transforms.iterdir()) == [
        "sclimbic.talairach.lta",
        "sclimbic.talairach.xfm",
        "talairach.xfm",
    ]


def test_exclude_and_counts(tmp_path, head_file, run_seg):
    call = f"--i {head_file} --o {tmp_path / 'seg.mgz'} --write_volumes --exclude 26 --keep_ac --vox-count-volumes"
    assert run_seg(call) == 0
    row = [line.split() for line in (tmp_path / "seg.stats").read_text().splitlines() if "#" not in line]
    assert [(r[1], float(r[2]) == float(r[3])) for r in row] == [("853", True)]
    assert set(np.unique(read_volume(tmp_path / "seg.mgz").data)) == {0, 26, 853}


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--i", "a.mgz"], "--o"),
        (["--i", "a.mgz", "--o", "b.mgz", "--s", "x"], "exclude each other"),
        (["--threads", "2"], "--i IMAGE"),
        (["--i", "a.mgz", "--o", "b.mgz", "--etiv-from-image", "--tal", "x"], "give one of them"),
        (["--s", "x", "--no-etiv", "--etiv-from-image"], "contradicts"),
        (["--s", "x", "--no-etiv", "--etiv"], "contradicts"),
        (["--s", "x"], "SUBJECTS_DIR"),
        (["--i", "nowhere", "--o", "out"], "no such"),
        (["--i", "nowhere", "--o", "b.mgz"], "no such"),
        (["--s", "--sd", "nowhere"], "does not exist"),
        (["--nonsense"], "unrecognized|required|give --i"),
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


def test_folder_and_file_are_not_mixed(tmp_path, head, capsys, run_seg):
    (tmp_path / "in").mkdir()
    assert run_seg(f"--i {tmp_path / 'in'} --o {tmp_path / 'o.mgz'}") == 2
    assert run_seg(f"--i {tmp_path / 'in'} --o {tmp_path / 'out'}") == 2
    assert "no image found" in capsys.readouterr().err
    write_volume(head, tmp_path / "in/a.mgz")
    assert run_seg(f"--i {tmp_path / 'in/a.mgz'} --o {tmp_path}") == 2
    assert run_seg(f"--i {tmp_path / 'in/a.mgz'} --o {tmp_path / 'in/a.mgz'}") == 2
    assert read_volume(tmp_path / "in/a.mgz").data.dtype.kind == "f"


def test_no_argument_is_help(capsys):
    assert main([]) == 1
    assert "usage: mri_sclimbic_seg" in capsys.readouterr().out
    assert main(["--help"]) == 0
    assert main(["--version"]) == 0


def test_no_weights_is_said_before_anything_is_written(tmp_path, head_file, capsys):
    assert main(["--i", str(head_file), "--o", str(tmp_path / "o.mgz"), "--model", "published"]) == 1
    assert "no published weights found. Looked at" in capsys.readouterr().err
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
        "--etiv-from-image",
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
        # Each program on a subject of its own: results of other settings are not replaced unasked.
        (subjects_dir / "bert/mri/sclimbic.mgz").unlink(missing_ok=True)
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


def test_names_as_they_are_typed_in_the_folder_itself(tmp_path, head, head_file, monkeypatch, capsys, run_seg):
    """Bare names, and '.' for the folder: errors name the file, and one bad image costs no other."""
    monkeypatch.chdir(tmp_path)
    assert run_seg("--i nope.nii.gz --o o.mgz") == 1
    assert "nope.nii.gz: image does not exist" in capsys.readouterr().err
    write_volume(Volume(np.zeros_like(head.data), head.grid), "a.mgz")
    assert run_seg("--i a.mgz --o o.mgz") == 1
    assert "a.mgz: the image is blank" in capsys.readouterr().err
    assert run_seg("--i . --o out") == 1
    printed = capsys.readouterr()
    assert "] a: failed: a.mgz: the image is blank" in printed.err
    assert "1 done, 0 skipped, 1 failed" in printed.out
    assert str(head_file) in (tmp_path / "out/head.sclimbic.json").read_text(), "provenance gives the whole path"


def test_names_of_all_kinds(tmp_path, head, run_seg):
    (tmp_path / "in").mkdir()
    names = ["with blank.mgz", "m\u00fcller.nii.gz", "caf\udce9.mgz", "UPPER.NII.GZ", "a,b.mgh"]
    for name in names:
        write_volume(head, tmp_path / "in" / name)
    assert run_seg(f"--i {tmp_path / 'in'} --o {tmp_path / 'out'} --write_volumes") == 0
    with open(tmp_path / "out/sclimbic_volumes_all.csv", encoding="utf-8", errors="surrogateescape") as file:
        assert {row[0] for row in list(csv.reader(file))[1:]} == {
            "with blank",
            "m\u00fcller",
            "caf\udce9",
            "UPPER",
            "a,b",
        }


def test_results_in_the_folder_of_the_images(tmp_path, head, capsys, run_seg):
    write_volume(head, tmp_path / "a.nii.gz")
    for base in ("sclimbic", "lim", "sclimbic"):
        call = f"--i {tmp_path} --o {tmp_path} --output-base {base} --write_posteriors"
        assert run_seg(call) == 0, capsys.readouterr().err
        assert [row[0] for row in table(tmp_path / f"{base}_volumes_all.csv")] == ["case", "a"]


def test_a_file_that_is_read_is_never_overwritten(tmp_path, head_file, tiny_flags, subjects_dir, capsys, run_seg):
    ctab = tmp_path / "limbic.ctab"
    ctab.write_text("# mine\n" + Path(tiny_flags[3]).read_text())
    flags = [*tiny_flags[:3], str(ctab), *tiny_flags[4:]]
    before = ctab.read_text()
    assert main(["--i", str(head_file), "--o", str(tmp_path / "limbic.nii.gz"), *flags]) == 0
    assert ctab.read_text() == before
    population = tmp_path / "seg.stats"
    population.write_text("name,mean,std\nLeft-Ball,1,2\n")
    call = f"--i {head_file} --o {tmp_path / 'seg.mgz'} --write_volumes --population-stats {population}"
    assert run_seg(call) == 2
    assert "would be overwritten" in capsys.readouterr().err
    nu = (subjects_dir / "bert/mri/nu.mgz").read_bytes()
    assert run_seg(f"--s bert --sd {subjects_dir} --output-base nu") == 2
    assert (subjects_dir / "bert/mri/nu.mgz").read_bytes() == nu


def test_array_jobs_fill_one_qa_table(subjects_dir, tiny_flags, run_seg):
    """One subject a job, as FreeSurfer's post-recon-all step runs it, two jobs at a time."""
    call = [sys.executable, "-m", "fs_sclimbic", "--sd", str(subjects_dir), "--write_qa_stats", *tiny_flags, "--s"]
    jobs = [subprocess.Popen([*call, name], cwd=ROOT, stdout=subprocess.DEVNULL) for name in ("ernie", "bert")]
    assert [job.wait(120) for job in jobs] == [0, 0]
    assert run_seg(f"--s bert.long.base --sd {subjects_dir} --write_qa_stats") == 0
    for name in ("zqa_scores", "confidences", "confidence"):
        rows = table(subjects_dir / f"sclimbic_{name}_all.csv")
        assert sorted(row[0] for row in rows) == ["bert", "bert.long.base", "case", "ernie"]
    # A run of several subjects keeps the rows of others, too.
    assert run_seg(f"--s bert ernie --sd {subjects_dir} --write_qa_stats") == 0
    rows = table(subjects_dir / "sclimbic_zqa_scores_all.csv")
    assert [row[0] for row in rows] == ["case", "bert", "ernie", "bert.long.base"]


def test_two_runs_on_one_folder(tmp_path, head, tiny_flags):
    (tmp_path / "in").mkdir()
    for name in "abcdef":
        write_volume(Volume(head.data * (1 + ord(name)), head.grid), tmp_path / f"in/{name}.mgz")
    call = [sys.executable, "-m", "fs_sclimbic", "--i", str(tmp_path / "in"), "--o", str(tmp_path / "out"), *tiny_flags]
    runs = [subprocess.Popen(call, cwd=ROOT, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [run.wait(120) for run in runs] == [0, 0]
    assert [row[0] for row in table(tmp_path / "out/sclimbic_volumes_all.csv")] == ["case", *"abcdef"]
    assert not list((tmp_path / "out").glob(".*"))
    assert all(
        set(np.unique(read_volume(tmp_path / f"out/{name}.sclimbic.mgz").data)) == {0, 26, 853} for name in "abcdef"
    )


def test_a_reader_that_goes_away_ends_nothing(tmp_path, head, tiny_flags):
    """mri_sclimbic_seg ... | head -1"""
    (tmp_path / "in").mkdir()
    for name in "abc":
        write_volume(Volume(head.data * (1 + ord(name)), head.grid), tmp_path / f"in/{name}.mgz")
    call = [sys.executable, "-m", "fs_sclimbic", "--i", str(tmp_path / "in"), "--o", str(tmp_path / "out"), *tiny_flags]
    running = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    running.stdout.readline()
    running.stdout.close()
    errors = running.stderr.read()
    assert running.wait(120) == 0, errors
    assert len(table(tmp_path / "out/sclimbic_volumes_all.csv")) == 4


def test_tables_that_cannot_be_written_are_told(tmp_path, head_file, capsys, run_seg):
    (tmp_path / "o/seg.zqa_scores_all.csv").mkdir(parents=True)
    call = f"--i {head_file} --o {tmp_path / 'o/seg.mgz'} --write_qa_stats"
    assert run_seg(call) == 1
    assert "seg.zqa_scores_all.csv: table cannot be written" in capsys.readouterr().err
    assert (tmp_path / "o/seg.mgz").is_file()


def test_old_tables_are_told_when_no_case_is_done(subjects_dir, capsys, run_seg):
    call = f"--s bert ernie --sd {subjects_dir}"
    assert run_seg(call) == 0
    for name in ("bert", "ernie"):
        (subjects_dir / name / "mri/nu.mgz").write_text("garbage")
    assert run_seg(call) == 1
    assert "sclimbic_volumes_all.csv is of an earlier run" in capsys.readouterr().err


def test_a_model_that_cannot_be_loaded_loses_no_table(tmp_path, head, capsys, run_seg):
    (tmp_path / "in").mkdir()
    write_volume(head, tmp_path / "in/a.mgz")
    call = f"--i {tmp_path / 'in'} --o {tmp_path / 'out'}"
    assert run_seg(call) == 0
    (tmp_path / "out/sclimbic_volumes_all.csv").unlink()
    write_volume(Volume(head.data * 2, head.grid), tmp_path / "in/b.mgz")

    def no_device(_spec, **_how):
        raise ModelError("CUDA device '99' is not there")

    assert run_seg(call, load_predictor=no_device) == 1
    printed = capsys.readouterr()
    assert "CUDA device '99'" in printed.err
    assert "1 skipped, 0 failed, 1 not run" in printed.out
    assert [row[0] for row in table(tmp_path / "out/sclimbic_volumes_all.csv")] == ["case", "a"]


def test_conform_from_the_command_line(tmp_path, run_seg):
    write_volume(synthetic_head(grid_about(CENTER, (80, 80, 80), np.eye(3), (0.7, 0.7, 0.7))), tmp_path / "a.mgz")
    call = f"--i {tmp_path / 'a.mgz'} --o {tmp_path / 'o.mgz'}"
    assert run_seg(call) == 1
    assert run_seg(f"{call} --conform") == 0


def test_a_log_that_cannot_be_written_costs_no_case(tmp_path, head_file, run_seg):
    (tmp_path / "log").mkdir()
    call = f"--i {head_file} --o {tmp_path / 'o.mgz'} --logfile {tmp_path / 'log'}"
    assert run_seg(call) == 0
    assert (tmp_path / "o.mgz").is_file()


@pytest.mark.parametrize(
    "word", ["--keep", "--vox", "--pop", "--write_v", "--write_p", "--write_q", "--conf", "--excl"]
)
def test_abbreviations_that_scripts_use(word):
    """They are completed; two spellings of one flag must not make one ambiguous."""
    value = ["x.csv"] if word == "--pop" else ["5"] if word == "--excl" else []
    parse_flags(["--s", "x", word, *value])


def test_stdout_ends_with_done_where_all_is_done(tmp_path, head_file, run_seg, capsys):
    call = f"--i {head_file} --o {tmp_path / 'seg.mgz'} --vmp"
    for _ in ("done", "skipped"):
        assert run_seg(call) == 0
        printed = capsys.readouterr().out.splitlines()
        assert printed[-1] == "done"
        assert any("please cite" in line for line in printed)


def test_a_run_of_one_case_tells_its_numbers_and_its_input(tmp_path, head_file, run_seg, capsys):
    call = f"--i {head_file} --o {tmp_path / 'seg.mgz'} --write_qa_stats --write_qc --keep_ac"
    for _ in ("done", "skipped"):
        assert run_seg(call) == 0
        printed = capsys.readouterr().out
        stats = read_stats(tmp_path / "seg.qa.stats")
        for row in stats.structures:
            (line,) = [line.split() for line in printed.splitlines() if row.structure.name in line]
            assert line[:4] == [
                str(row.structure.index),
                row.structure.name,
                str(row.n_voxels),
                f"{row.volume_mm3:.1f}",
            ]
        assert "[1/1] head: " in printed
    assert "# subjectname seg" in (tmp_path / "seg.qa.stats").read_text()
    for name in ("zqa_scores_all", "confidences_all", "qa_flags_all"):
        assert [row[0] for row in table(tmp_path / f"seg.{name}.csv")] == ["case", "seg"]
    assert (tmp_path / "seg.webp").read_bytes()[8:12] == b"WEBP"
    assert run_seg(f"{call} --quiet") == 0
    assert not capsys.readouterr().out


def test_a_run_in_which_every_case_failed_asks_for_no_citation(tmp_path, run_seg, capsys):
    (tmp_path / "t1.mgz").write_text("garbage")
    assert run_seg(f"--i {tmp_path / 't1.mgz'} --o {tmp_path / 'seg.mgz'}") == 1
    printed = capsys.readouterr().out
    assert "please cite" not in printed
    assert "done" not in printed.split()


def test_the_log_names_the_colour_table(tmp_path, head_file, run_seg, tiny_flags):
    run_seg(f"--i {head_file} --o {tmp_path / 'seg.mgz'}")
    assert f"ctab {tiny_flags[3]}" in (tmp_path / "mri_sclimbic.log").read_text()


def test_qa_tables_of_one_subject_begin_with_it(subjects_dir, run_seg, capsys):
    """XNAT pipelines read the first row; rows made with other flags stay, and this is told."""
    for name in ("ernie", "bert"):
        assert run_seg(f"--s {name} --sd {subjects_dir} --write_qa_stats") == 0
    capsys.readouterr()
    tables = [subjects_dir / f"sclimbic_{name}_all.csv" for name in ("confidences", "confidence")]
    for path in tables:
        assert [row[0] for row in table(path)] == ["case", "bert", "ernie"]
    assert run_seg(f"--s bert.long.base --sd {subjects_dir} --write_qa_stats --keep_ac") == 0
    for path in tables:
        header, *rows = table(path)
        assert (header, [row[0] for row in rows]) == (
            ["case", "Left-Ball", "Right-Ball"],
            ["bert.long.base", "bert", "ernie"],
        )
        assert [row[2] == "" for row in rows] == [False, True, True]
    assert "2 rows have empty cells (bert, ernie)" in capsys.readouterr().err


def test_a_table_that_rows_cannot_be_added_to_is_kept_and_told(subjects_dir, run_seg, capsys):
    path = subjects_dir / "sclimbic_confidences_all.csv"
    path.write_text("case;Left-Ball\nother;0,5\n")
    assert run_seg(f"--s bert --sd {subjects_dir} --write_qa_stats --logfile {subjects_dir}/run.log") == 0
    warning = f"warning: {path}: is no table of this tool"
    assert warning in capsys.readouterr().err
    assert warning in (subjects_dir / "run.log").read_text()
    assert path.with_name(f"{path.name}.old").read_text() == "case;Left-Ball\nother;0,5\n"
    assert [row[0] for row in table(path)] == ["case", "bert"]


def test_a_poisoned_record_keeps_no_table_from_being_written(subjects_dir, run_seg):
    call = f"--s bert ernie --sd {subjects_dir} --write_qa_stats"
    assert run_seg(call) == 0
    before = table(subjects_dir / "sclimbic_volumes_all.csv")
    record = subjects_dir / "bert/scripts/sclimbic.json"
    record.write_text(record.read_text().replace('"structures": [', '"structures": [{},'))
    assert run_seg(call) == 0
    assert table(subjects_dir / "sclimbic_volumes_all.csv") == before


def test_escape_codes_in_names_do_not_reach_the_terminal(tmp_path, head, run_seg, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    write_volume(head, tmp_path / "in/a\x1b[31m.mgz")
    (tmp_path / "in/b\x9b2J.mgz").write_text("garbage")
    assert run_seg(f"--i {tmp_path / 'in'} --o {tmp_path / 'out'}") == 1
    assert run_seg("--i 'no\x1b[2J.mgz' --o 'o\x07.mgz'") == 1
    assert run_seg("--i 'no\x1b[2J' --o out") == 2
    printed = "".join(capsys.readouterr())
    assert not set(printed) & {"\x1b", "\x9b", "\x07"}
    for shown in ("a\\x1b[31m: done", "b\\x9b2J: failed", "no\\x1b[2J.mgz: image does not exist", "--i 'no\\x1b[2J"):
        assert shown in printed


def test_a_table_whose_name_is_too_long_fails_before_the_cases(tmp_path, head_file, run_seg, capsys):
    assert run_seg(f"--i {head_file} --o {tmp_path / ('x' * 236)}.mgz --write_qa_stats") == 1
    assert "the name of this output is too long" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.nii.gz"]


@pytest.mark.parametrize("folder", ["out", "models"])
def test_a_run_removes_what_a_killed_one_has_staged(tmp_path, head_file, run_seg, monkeypatch, folder):
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "models"))
    left = tmp_path / folder / f".sclimbic-1234-{'0' * 16}.tmp"
    left.parent.mkdir()
    left.touch()
    os.utime(left, (0, 0))
    assert run_seg(f"--i {head_file} --o {tmp_path / 'out/seg.mgz'}") == 0
    assert not left.exists()

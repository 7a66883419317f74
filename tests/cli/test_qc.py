"""fs_sclimbic qc as a user types it."""

import json
import shutil

import pytest

from fs_sclimbic.cli.bids import main as bids
from fs_sclimbic.cli.main import main as fs_sclimbic
from fs_sclimbic.cli.qc import main
from fs_sclimbic.image.volume import write_volume
from tests.datasets import make_dataset, t1

pytest.importorskip("itables")


def study_of(pages):
    return json.loads((pages / "study.js").read_text().split("study = ")[1].rstrip(";\n"))


@pytest.fixture
def results(tmp_path, head, run_seg):
    """Two heads, segmented."""
    (tmp_path / "images").mkdir()
    for name in ("a", "b"):
        write_volume(head, tmp_path / "images" / f"{name}.nii.gz")
    assert run_seg(f"--i {tmp_path}/images --o {tmp_path}/results --write_volumes --write_posteriors") == 0
    return tmp_path / "results"


def test_pages_of_a_folder(results, tmp_path, capsys):
    capsys.readouterr()
    assert fs_sclimbic(["qc", str(results)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("2 drawn, 0 unchanged\n")
    assert said.endswith(f"; page: {results}/sclimbic_qc/index.html\n")
    study = study_of(results / "sclimbic_qc")
    assert {one["name"] for one in study["cases"]} == {"a", "b"}
    assert study["title"] == "results"
    assert (results / "sclimbic_qc" / study["cases"][0]["script"]).is_file()
    assert main([str(results)]) == 0
    assert "0 drawn, 2 unchanged" in capsys.readouterr().out


def test_groups_title_and_place(results, tmp_path, capsys):
    (tmp_path / "p.tsv").write_text("participant_id\tsite\na\tBern\n")
    flags = ["--participants", f"{tmp_path}/p.tsv", "--group", "site", "--title", "My study", "--no-viewer"]
    assert main([str(results), "--out", f"{tmp_path}/pages", *flags]) == 0
    assert "note: 1 of 2 cases have no site, such as b" in capsys.readouterr().err
    study = study_of(tmp_path / "pages")
    assert (study["title"], study["groupName"]) == ("My study", "site")
    assert {one["name"]: one["group"] for one in study["cases"]} == {"a": "Bern", "b": "n/a"}


def test_a_case_that_cannot_be_read_is_a_row(results, capsys):
    (results / "a.sclimbic.nii.gz").write_bytes(b"no image")
    assert main([str(results)]) == 1
    assert "a: " in capsys.readouterr().err
    study = study_of(results / "sclimbic_qc")
    told = {one["name"]: one.get("problem") or one.get("pictureProblem") for one in study["cases"]}
    assert told["b"] is None
    assert "a.sclimbic.nii.gz" in told["a"]


def test_a_case_that_failed_is_a_row(results, tmp_path, run_seg, capsys):
    (tmp_path / "images/c.nii.gz").write_bytes(b"no image")
    assert run_seg(f"--i {tmp_path}/images --o {results} --write_qa_stats") == 1
    assert main([str(results)]) == 1
    (failed,) = [one for one in study_of(results / "sclimbic_qc")["cases"] if one["verdict"] == "failed"]
    assert failed["name"] == "c"
    assert failed["files"] is None
    assert failed["problem"].startswith(f"failed, has no result: {tmp_path}/images/c.nii.gz")


def test_where_pages_cannot_be_written_another_place_is_named(results, capsys):
    (results / "sclimbic_qc").write_text("is no folder")
    assert main([str(results)]) == 1
    assert "--out gives another folder" in capsys.readouterr().err


def test_one_case_in_one_file(results, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([str(results), "--single-file", "a"]) == 0
    assert (tmp_path / "a_qc.html").stat().st_size > 1e6
    assert main([str(results), "--single-file", "c"]) == 2
    assert "no such case; there are a, b" in capsys.readouterr().err


def test_subjects(subjects_dir, run_seg, capsys, monkeypatch):
    assert run_seg(f"--s bert --sd {subjects_dir}") == 0
    monkeypatch.setenv("SUBJECTS_DIR", str(subjects_dir))
    assert main(["--s"]) == 0
    assert [one["name"] for one in study_of(subjects_dir / "sclimbic_qc")["cases"]] == ["bert"]
    # As FreeSurfer's own tool leaves a subject: no record, no posteriors.
    shutil.rmtree(subjects_dir / "bert" / "scripts")
    (subjects_dir / "bert/mri/sclimbic.posteriors.mgz").unlink(missing_ok=True)
    assert main(["--s", "bert", "nobody", "--sd", str(subjects_dir)]) == 1
    by_name = {one["name"]: one for one in study_of(subjects_dir / "sclimbic_qc")["cases"]}
    assert by_name["nobody"]["verdict"] == "failed"
    assert by_name["bert"]["volumes"][0] > 0
    assert "picture" in by_name["bert"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "expected a folder of results, or --s"),
        ("results --s bert", "expected a folder of results, or --s"),
        ("results --sd x", "--sd belongs to --s"),
        ("--s --images x --sd y", "--images belongs to a folder of results"),
        ("results --group site", "--participants and --group go together"),
        ("results --threads 0", "--threads 0: expected 1 or more"),
        ("nowhere", "nowhere: folder of results does not exist"),
        ("--s", "give --sd DIR or set SUBJECTS_DIR"),
    ],
)
def test_what_makes_no_sense(line, words, capsys, monkeypatch):
    monkeypatch.delenv("SUBJECTS_DIR", raising=False)
    assert main(line.split()) == 2
    assert words in capsys.readouterr().err


def test_pages_of_bids_derivatives(tmp_path, head_file, tiny_flags, capsys):
    dataset = make_dataset(tmp_path / "study", t1("sub-01", "ses-1"), t1("sub-02", "ses-1"), head=head_file)
    line = [str(dataset), str(tmp_path / "out"), "participant", "--no-etiv", "--no-write_qc", *tiny_flags]
    assert bids(line) == 0
    (dataset / "participants.tsv").write_text("participant_id\tsite\nsub-01\tBern\n02\tBasel\n")
    flags = ["--participants", f"{dataset}/participants.tsv", "--group", "site"]
    assert main([str(tmp_path / "out"), "--no-viewer", *flags]) == 0
    study = study_of(tmp_path / "out/sclimbic_qc")
    found = {one["name"]: one["group"] for one in study["cases"]}
    assert found == {"sub-01_ses-1": "Bern", "sub-02_ses-1": "Basel"}

import os
import shlex
from pathlib import Path

import pytest

from fs_sclimbic.cli.bids import build_parser, main, parse_bids_flags
from fs_sclimbic.group.tables.provenance import read_provenance
from fs_sclimbic.image.volume import read_volume, write_volume
from tests.datasets import make_dataset, t1


@pytest.fixture(scope="module")
def head_image(tmp_path_factory, head):
    path = tmp_path_factory.mktemp("head") / "head.nii.gz"
    write_volume(head, path)
    return path


@pytest.fixture
def run_bids(tmp_path, tiny_flags):
    """Run fs_sclimbic bids on ``study`` into ``out``: ``run_bids("participant --redo")``."""

    def run_line(line, flags=("--no-etiv", *tiny_flags)):
        level, *more = shlex.split(line)
        given = flags if level == "participant" else ()
        return main([str(tmp_path / "study"), str(tmp_path / "out"), level, *more, *given])

    return run_line


def contents(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path(folder).rglob("*") if path.is_file()}


def test_from_a_dataset_to_a_table(tmp_path, head, head_image, run_bids, capsys):
    files = [t1("sub-01"), t1("sub-02"), "sub-03/anat/sub-03_T2w.nii.gz"]
    dataset = make_dataset(tmp_path / "study", *files, head=head_image)
    before = contents(dataset)
    assert run_bids("participant") == 0
    printed = capsys.readouterr()
    assert "1 of 3 participants have no T1w image that is taken: sub-03" in printed.err
    assert "2 done, 0 skipped, 0 failed" in printed.out
    labels = read_volume(tmp_path / "out/sub-01/anat/sub-01_seg-limbic_dseg.nii.gz")
    assert labels.grid.shape == head.grid.shape
    stats = (tmp_path / "out/sourcedata/sclimbic/sub-01/stats/sclimbic.stats").read_text()
    assert (tmp_path / "out/sourcedata/sclimbic/sub-01/mri/sclimbic.webp").stat().st_size > 0
    assert f"cmdline fs_sclimbic bids {tmp_path / 'study'}" in stats
    assert run_bids("group") == 0
    *_, count, verdicts, hint = capsys.readouterr().out.splitlines()
    assert count == "2 cases"
    assert verdicts.startswith("2 good")
    assert hint == f"look at them: fs_sclimbic qc {tmp_path / 'out'}"
    flags = (tmp_path / "out/sourcedata/sclimbic/sclimbic_qa_flags_all.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in flags] == ["case", "sub-01", "sub-02"]
    table = tmp_path / "out/group_morph.tsv"
    assert table.read_text().startswith("participant_id\tLeft-Ball\nsub-01\t")
    ((_, made),) = read_provenance(table, ["sub-02"])
    assert made.weights.startswith("tiny.h5 ")
    assert contents(dataset) == before


def test_what_is_done_is_not_done_again(tmp_path, head_image, run_bids, capsys):
    make_dataset(tmp_path / "study", t1("sub-01"), t1("sub-02"), head=head_image)
    assert run_bids("participant --participant-label sub-02") == 0
    results = contents(tmp_path / "out")
    lost = tmp_path / "out/sub-02/anat/sub-02_seg-limbic_dseg.tsv"
    lost.unlink()
    capsys.readouterr()
    assert run_bids("participant") == 0
    assert "1 done, 1 skipped, 0 failed" in capsys.readouterr().out
    after = contents(tmp_path / "out")
    assert after[lost][0] == results[lost][0]
    logs = {path for path in results if path.suffix == ".log"}
    assert {path: after[path] for path in results.keys() - logs - {lost}} == {
        path: content for path, content in results.items() if path not in logs and path != lost
    }


def test_a_case_that_fails_costs_no_other(tmp_path, head_image, run_bids, capsys):
    dataset = make_dataset(tmp_path / "study", t1("sub-01"), t1("sub-03"), head=head_image)
    (dataset / "sub-02/anat").mkdir(parents=True)
    (dataset / t1("sub-02")).write_text("no image")
    assert run_bids("participant") == 1
    assert "2 done, 0 skipped, 1 failed" in capsys.readouterr().out
    assert "failed" in (tmp_path / "out/sourcedata/sclimbic/sub-02/scripts/sclimbic.log").read_text()
    assert run_bids("group") == 0
    assert "1 of 3 cases" in capsys.readouterr().err


def test_results_of_recon_all_are_read_and_not_written(tmp_path, subjects_dir, run_bids, tiny_flags):
    os.rename(subjects_dir / "bert", subjects_dir / "sub-01")
    make_dataset(tmp_path / "study", t1("sub-01"))
    before = contents(subjects_dir)
    assert run_bids(f"participant --subjects-dir {subjects_dir}", tiny_flags) == 0
    assert contents(subjects_dir) == before
    stats = (tmp_path / "out/sourcedata/sclimbic/sub-01/stats/sclimbic.stats").read_text()
    assert "eTIV" in stats
    assert "sub-01/mri/nu.mgz" in (tmp_path / "out/sub-01/anat/sub-01_seg-limbic_dseg.json").read_text()


def test_two_settings_in_one_table_are_refused(tmp_path, head_image, run_bids, capsys):
    make_dataset(tmp_path / "study", t1("sub-01"), t1("sub-02"), head=head_image)
    assert run_bids("participant --participant-label 01") == 0
    assert run_bids("participant --participant-label 02 --vox-count-volumes") == 0
    assert run_bids("group") == 1
    assert "voxel counts for volumes: 1 cases false; sub-02 true" in capsys.readouterr().err
    assert not (tmp_path / "out/group_morph.tsv").exists()
    assert run_bids("group --allow-mixed") == 0
    assert "warning: voxel counts for volumes" in capsys.readouterr().err


def test_parts_of_an_array(tmp_path, head_image, run_bids, capsys):
    make_dataset(tmp_path / "study", *(t1(f"sub-{i}") for i in (1, 2, 3)), head=head_image)
    for part in (1, 2):
        assert run_bids(f"participant --part {part}/2") == 0
    printed = capsys.readouterr().out
    assert "part 1/2: 2 of 3 cases" in printed
    assert "part 2/2: 1 of 3 cases" in printed
    assert run_bids("group") == 0
    assert "3 cases" in capsys.readouterr().out


def test_a_done_case_is_not_replaced_by_one_of_other_settings(tmp_path, head_image, run_bids, capsys):
    make_dataset(tmp_path / "study", t1("sub-01"), head=head_image)
    assert run_bids("participant") == 0
    assert run_bids("participant --vox-count-volumes") == 2
    assert "made with another way to measure volumes; --redo" in capsys.readouterr().err
    assert run_bids("participant --vox-count-volumes --output-base counts") == 0
    assert (tmp_path / "out/sub-01/anat/sub-01_seg-limbic_desc-counts_dseg.nii.gz").exists()
    assert run_bids("group --output-base counts") == 0
    assert (tmp_path / "out/group_desc-counts_morph.tsv").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("participant --participant-label 9", "no participant sub-9"),
        ("participant --session-id 9", "no T1w image of ses-9"),
        ("participant --tal x.xfm", "--tal names a transform of one image"),
        ("participant --output-base a_b", "give letters and digits"),
        ("participant --subjects-dir missing", "--subjects-dir missing: does not exist"),
        ("participant --bids-filter-file missing.json", "filter file cannot be read"),
        ("participant --percentile 0", "--percentile 0"),
        ("session", "invalid choice: 'session'"),
    ],
)
def test_wrong_command_lines(tmp_path, run_bids, line, message, capsys):
    make_dataset(tmp_path / "study", t1("sub-01"))
    assert run_bids(line, ()) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_group_without_results(tmp_path, run_bids, capsys):
    assert run_bids("group") == 1
    assert "run the participant level first" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-v", "--version"])
def test_version(flag, capsys):
    assert main([flag]) == 0
    assert capsys.readouterr().out.startswith("fs_sclimbic ")


@pytest.mark.parametrize("flag", ["--tal", "--write_tables", "--conform", "fs_sclimbic merge"])
def test_help_leaves_out_what_means_nothing_for_a_dataset(flag):
    assert flag not in build_parser().format_help()


@pytest.mark.parametrize(
    ("flag", "field"),
    [
        ("--participant-label", "participant_label"),
        ("--participant_label", "participant_label"),
        ("--session-id", "session_id"),
        ("--session_id", "session_id"),
        ("--session-label", "session_id"),
        ("--session_label", "session_id"),
    ],
)
def test_spellings_of_other_bids_apps(flag, field):
    args = parse_bids_flags(["study", "out", "participant", flag, "01", "02"])
    assert getattr(args, field) == ["01", "02"]
    assert "--participant_label" not in build_parser().format_help()

"""fs_sclimbic merge: parts are run, and their tables written by one command."""

import csv

import pytest

from fs_sclimbic.cli.merge import main


def rows_of(path):
    with open(path) as file:
        return [row[0] for row in csv.reader(file)]


@pytest.fixture
def parts(subjects_dir, run_seg):
    """Two tasks of an array have run all subjects."""
    for part in ("1/2", "2/2"):
        assert run_seg(f"--s --sd {subjects_dir} --write_qa_stats --part {part}") == 0
    return subjects_dir


def test_parts_write_no_table_and_merge_does(parts, capsys):
    assert not list(parts.glob("*.csv"))
    assert main(["--s", "--sd", str(parts)]) == 0
    for name in ("volumes", "zqa_scores", "confidences", "confidence", "qa_flags"):
        assert rows_of(parts / f"sclimbic_{name}_all.csv") == ["case", "bert", "bert.long.base", "ernie"]
    *wrote, verdicts, hint = capsys.readouterr().out.splitlines()[-7:]
    assert all(line.startswith("wrote ") for line in wrote)
    assert verdicts.startswith("3 good")
    assert hint == f"look at them: fs_sclimbic qc --s --sd {parts}"


def test_the_table_is_that_of_one_run(parts, run_seg):
    main(["--s", "--sd", str(parts)])
    table = parts / "sclimbic_volumes_all.csv"
    merged = table.read_bytes()
    assert run_seg(f"--s --sd {parts}") == 0
    assert table.read_bytes() == merged


def test_missing_cases_are_named_and_listed(parts, tmp_path, run_seg, capsys):
    (parts / "ernie/scripts/sclimbic.json").unlink()
    todo = tmp_path / "todo.txt"
    assert main(["--s", "--sd", str(parts), "--missing", str(todo)]) == 1
    assert "1 cases have no result: ernie" in capsys.readouterr().err
    assert todo.read_text() == "ernie\n"
    assert rows_of(parts / "sclimbic_volumes_all.csv") == ["case", "bert", "bert.long.base"]
    assert run_seg(f"--subjectsfile {todo} --sd {parts}") == 0
    assert main(["--s", "--sd", str(parts), "--missing", str(todo)]) == 0
    assert todo.read_text() == ""


def test_a_subject_of_other_settings_is_refused(parts, run_seg, capsys):
    assert run_seg(f"--s ernie --sd {parts} --7T --redo") == 0
    capsys.readouterr()
    assert main(["--s", "--sd", str(parts)]) == 1
    told = capsys.readouterr().err
    assert "top of the intensity range: 2 cases default; ernie 99.9" in told
    assert not (parts / "sclimbic_volumes_all.csv").exists()
    assert main(["--s", "--sd", str(parts), "--allow-mixed"]) == 0


def test_a_folder_of_results(head_file, tmp_path, run_seg):
    assert run_seg(f"--i {tmp_path} --o {tmp_path}/out --part 1/1") == 0
    assert main([str(tmp_path / "out"), "--i", str(tmp_path)]) == 0
    assert rows_of(tmp_path / "out/sclimbic_volumes_all.csv") == ["case", "head"]
    assert main([str(tmp_path / "out"), "--i", str(head_file), str(tmp_path / "x.mgz")]) == 1


@pytest.mark.parametrize("words", [[], ["out", "--s"], ["--s", "--i", "x"]])
def test_a_command_line_that_makes_no_sense(words, capsys):
    assert main(words) == 2
    assert "usage" in capsys.readouterr().err

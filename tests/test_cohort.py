import pytest
from filelock import FileLock

from fs_sclimbic import cohort
from fs_sclimbic.cohort import outcome_lines, run_cohort, write_tables
from fs_sclimbic.provenance import Run
from fs_sclimbic.segmentation import Options
from fs_sclimbic.subject import Requests, subject_case
from fs_sclimbic.tables import CONFIDENCES, VOLUMES, Z_SCORES, table_files


def outcomes_of(subjects_dir, names, predictor, calls=None):
    def load():
        if calls is not None:
            calls.append(1)
        return predictor

    cases = [subject_case(subjects_dir, name, Requests()) for name in names]
    return list(run_cohort(cases, load, Options(), Run(predictor.spec, ("test",))))


def test_a_failing_case_costs_no_other_and_the_model_is_loaded_once(subjects_dir, predictor):
    calls = []
    (subjects_dir / "bert/mri/nu.mgz").write_text("garbage")
    outcomes = outcomes_of(subjects_dir, ["bert", "bert.long.base", "nobody", "ernie"], predictor, calls)
    assert [outcome.status for outcome in outcomes] == ["failed", "done", "failed", "done"]
    assert calls == [1]
    files = table_files(subjects_dir / "sclimbic", "_", [VOLUMES, Z_SCORES, CONFIDENCES])
    assert write_tables(files, outcomes, Options().population) == [path for path, _ in files]
    rows = (subjects_dir / "sclimbic_volumes_all.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["case", "bert.long.base", "ernie"]
    assert rows[0].endswith(",eTIV")


def test_no_table_without_a_case(subjects_dir, predictor):
    outcomes = outcomes_of(subjects_dir, ["nobody"], predictor)
    assert write_tables(table_files(subjects_dir / "sclimbic", "_", [VOLUMES]), outcomes, {}) == []
    assert not list(subjects_dir.glob("*.csv"))


def test_each_subject_has_its_log(subjects_dir, predictor):
    (subjects_dir / "bert/mri/nu.mgz").write_text("garbage")
    outcomes_of(subjects_dir, ["bert", "ernie"], predictor)
    assert "bert failed" in (subjects_dir / "bert/scripts/sclimbic.log").read_text()
    text = (subjects_dir / "ernie/scripts/sclimbic.log").read_text()
    for words in (
        "generating_program fs_sclimbic",
        predictor.spec.sha256,
        "ernie done",
        "sclimbic.mgz",
        "eTIV",
        "numpy",
    ):
        assert words in text


def test_a_finished_cohort_loads_no_model(subjects_dir, predictor):
    outcomes_of(subjects_dir, ["bert", "ernie"], predictor)
    calls = []
    again = outcomes_of(subjects_dir, ["bert", "ernie"], predictor, calls)
    assert ([outcome.status for outcome in again], calls) == (["skipped", "skipped"], [])
    assert "skipped" in outcome_lines(again[0])[0]


def test_a_table_that_is_locked_for_long_is_told(tmp_path, subjects_dir, predictor, monkeypatch):
    outcomes = outcomes_of(subjects_dir, ["bert"], predictor)
    files = table_files(tmp_path / "sclimbic", "_", [Z_SCORES])
    monkeypatch.setattr(cohort, "LOCK_SECONDS", 0.1)
    with (
        FileLock(tmp_path / ".sclimbic_zqa_scores_all.csv.lock"),
        pytest.raises(OSError, match="locked by another job"),
    ):
        write_tables(files, outcomes, {}, update=True)
    assert write_tables(files, outcomes, {}, update=True) == [files[0][0]]


def test_a_file_system_without_locks_still_gets_its_rows(tmp_path, subjects_dir, predictor, monkeypatch):
    def no_locks(*_, **__):
        raise NotImplementedError

    monkeypatch.setattr(FileLock, "acquire", no_locks)
    files = table_files(tmp_path / "sclimbic", "_", [CONFIDENCES])
    for name in ("bert", "ernie"):
        write_tables(files, outcomes_of(subjects_dir, [name], predictor), {}, update=True)
    rows = files[0][0].read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["case", "bert", "ernie"]

"""Tables at the end of a run, and what is said of their rows."""

import builtins


def test_tables_with_rows_of_two_presets_are_told(subjects_dir, run_seg, capsys):
    """Array jobs of one subject fill one table."""
    call = f"--sd {subjects_dir} --write_qa_stats --s"
    assert run_seg(f"{call} bert") == 0
    assert run_seg(f"{call} bert.long.base") == 0
    assert "rows were made with" not in capsys.readouterr().err
    assert run_seg(f"{call} ernie --preset study") == 0
    printed = capsys.readouterr().err
    for words in ("top", "bottom"):
        assert f"2 of 3 rows were made with another {words} of the intensity range (" in printed
    assert "ernie)" not in printed
    assert "2 of 3 rows were made with another number of starts" in printed


def test_array_jobs_read_the_record_of_another_subject_once(subjects_dir, run_seg, monkeypatch):
    """Not once a table: jobs of thousands of subjects share the disk."""
    call = f"--sd {subjects_dir} --write_qa_stats --s"
    assert run_seg(f"{call} bert") == 0
    opened, open_file = [], builtins.open

    def count(path, *args, **how):
        opened.append(str(path))
        return open_file(path, *args, **how)

    monkeypatch.setattr(builtins, "open", count)
    assert run_seg(f"{call} ernie") == 0
    assert opened.count(str(subjects_dir / "bert/scripts/sclimbic.json")) == 1

"""Cases without a result are found in the table of flags."""

import pytest

from fs_sclimbic.qc.failed_cases import read_failed_cases

TABLE = (
    "case,verdict,n_flags,reasons,whole_case,Ball\n"
    "a,good,0,-,-,-\n"
    "b,bad,1,b.mgz: image is blank,FAILED,NA\n"
    "c,bad,1,c.mgz: is cut off,FAILED,NA\n"
)


def test_cases_that_failed_have_a_problem(tmp_path):
    (tmp_path / "sclimbic_qa_flags_all.csv").write_text(TABLE)
    (failed,) = read_failed_cases(tmp_path / "sclimbic", known={"a", "c"})
    assert (failed.name, failed.verdict.verdict) == ("b", "bad")
    assert failed.problem == "failed, has no result: b.mgz: image is blank"
    assert not failed.stats.structures


@pytest.mark.parametrize("text", [None, "", "some;other\ntable", "case,verdict\nb,bad\n"])
def test_without_such_rows_there_is_none(tmp_path, text):
    if text is not None:
        (tmp_path / "sclimbic_qa_flags_all.csv").write_text(text)
    assert read_failed_cases(tmp_path / "sclimbic", known=()) == []

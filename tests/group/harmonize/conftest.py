import pytest

from tests.group.harmonize.sites import people_text, table_text


@pytest.fixture
def study(tmp_path):
    """A folder with t.dat and p.tsv of 22 subjects of three sites."""
    (tmp_path / "t.dat").write_text(table_text())
    (tmp_path / "p.tsv").write_text(people_text())
    return tmp_path

import pytest


@pytest.fixture
def table(tmp_path):
    """Write a table of participants, return its path."""

    def write_table(text, name="participants.tsv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_table

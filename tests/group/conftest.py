import pytest


@pytest.fixture
def write(tmp_path):
    """Write a file, return its path."""

    def write_text(text, name="t.dat"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_text

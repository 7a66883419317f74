"""What lies in a folder, or one line that says why nobody can look into it."""

import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.files.folders import list_folder


def test_names_are_sorted(tmp_path):
    for name in ("b", ".c", "a"):
        (tmp_path / name).touch()
    assert list_folder(tmp_path, "folder of results") == [".c", "a", "b"]


@pytest.mark.parametrize("name", ["missing", "file"])
def test_no_folder_is_an_error(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=f"{name}: folder of results does not exist"):
        list_folder(tmp_path / name, "folder of results")

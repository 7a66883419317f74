import pytest

from fs_sclimbic.cases.file_names import check_file_names
from fs_sclimbic.errors import SclimbicError


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("x" * 255, True),
        ("x" * 256, False),
        ("ä" * 127 + "x", True),
        ("ä" * 128, False),
        ("new/" + "x" * 255, True),
        ("x" * 256 + "/seg.mgz", False),
        ("/".join(["d" * 200] * 25), False),
    ],
    ids=["fits", "one too many", "bytes", "bytes too many", "new folder", "folder too long", "path too long"],
)
def test_lengths_of_names(tmp_path, name, fits):
    if fits:
        check_file_names([tmp_path / name])
        return
    with pytest.raises(SclimbicError, match=r"the name of this output is too long for .*give a shorter name or folder"):
        check_file_names([tmp_path / "short", tmp_path / name])


def test_a_relative_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SclimbicError, match=f"too long for {tmp_path} "):
        check_file_names([tmp_path.relative_to(tmp_path) / ("x" * 256)])

"""The libraries are found in the installed packages, and may stand in a page."""

import json

import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.qc.pages.libraries import (
    TABLE_SCRIPT,
    TABLE_STYLE,
    encode_json,
    read_libraries,
    script_of_module,
)


def test_scripts_of_the_installed_packages():
    pytest.importorskip("itables")
    found = read_libraries()
    assert b"DataTables" in found.tables
    assert b".dt-" in found.table_style
    assert found.viewer is None or b"niivue" in found.viewer
    assert bool(found.viewer_problem) == (found.viewer is None)


def test_without_the_packages(tmp_path):
    with pytest.raises(UsageError, match=r'pip install "fs_sclimbic\[qc\]"'):
        read_libraries({}.get)
    folders = {"itables": tmp_path}
    with pytest.raises(UsageError, match=r"dt_bundle\.js: is missing"):
        read_libraries(folders.get)
    (tmp_path / "html").mkdir()
    for name in (TABLE_SCRIPT, TABLE_STYLE):
        (tmp_path / name).write_text("export default 1")
    for home in (folders, {**folders, "nilearn": tmp_path}):  # not installed, or of a version without NiiVue
        found = read_libraries(home.get)
        assert found.viewer is None
        assert "it comes with nilearn" in found.viewer_problem


@pytest.mark.parametrize("text", ["</script><b>", "<!--", "\u2028", "\udc80", "a\\b\"'"])
def test_json_cannot_leave_its_script(text):
    encoded = encode_json({"a": text})
    assert json.loads(encoded) == {"a": text}
    assert encoded.isascii()
    assert "<" not in encoded
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_json(float("nan"))


def test_a_module_becomes_a_text():
    script = script_of_module('export default "</script>"')
    assert "</script" not in script
    assert "import(address)" in script

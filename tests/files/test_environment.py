"""Surroundings that change for a moment, and a folder of one's own."""

import importlib
import os
import sys

import pytest

from fs_sclimbic.files.environment import module_is_absent, private_folder, variable_is


def test_a_module_is_absent_and_comes_back():
    import json.decoder

    with module_is_absent("json"):
        for name in ("json", "json.decoder"):
            with pytest.raises(ImportError):
                importlib.import_module(name)
    assert sys.modules["json"] is json
    assert sys.modules["json.decoder"] is json.decoder
    with pytest.raises(RuntimeError), module_is_absent("no_such_module"):
        raise RuntimeError
    assert "no_such_module" not in sys.modules


def test_a_variable_is_set_and_comes_back(monkeypatch):
    monkeypatch.setenv("SCLIMBIC_TEST", "before")
    with variable_is("SCLIMBIC_TEST", "now"), variable_is("SCLIMBIC_TEST_NEW", "now"):
        assert (os.environ["SCLIMBIC_TEST"], os.environ["SCLIMBIC_TEST_NEW"]) == ("now", "now")
    assert os.environ["SCLIMBIC_TEST"] == "before"
    assert "SCLIMBIC_TEST_NEW" not in os.environ


def test_a_private_folder_is_the_same_again_and_never_anothers(tmp_path):
    folder = private_folder(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert private_folder(tmp_path) == folder
    folder.chmod(0o777)  # others could have put something there
    other = private_folder(tmp_path)
    assert other != folder
    assert other.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    assert private_folder(tmp_path) not in (folder, tmp_path / "elsewhere")

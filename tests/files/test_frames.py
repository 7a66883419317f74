"""Pandas is loaded where it is installed; else one line says what to do."""

import sys

import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.files.frames import load_pandas


def test_pandas():
    assert load_pandas() is pytest.importorskip("pandas")


def test_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="a data frame needs pandas: python -m pip install pandas"):
        load_pandas()

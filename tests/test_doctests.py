"""The examples in the documentation run as they stand, in a folder that holds a head and a model."""

import doctest
import importlib
import shutil

import pytest

from fs_sclimbic.image.volume import write_volume
from tests.conftest import BRIGHT, CENTER, ONE_BALL, RAS_AXES, ROOT, grid_about, make_model, synthetic_head

MODULES = [
    "fs_sclimbic",
    "fs_sclimbic.bids.entities",
    "fs_sclimbic.bids.ignore",
    "fs_sclimbic.bids.matching",
    "fs_sclimbic.execution.parts",
    "fs_sclimbic.group.design.contrast",
    "fs_sclimbic.group.design.matrix_files",
    "fs_sclimbic.group.fit.results",
    "fs_sclimbic.group.text_table",
    "fs_sclimbic.files.staging",
    "fs_sclimbic.group.tables.stats_paths",
]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md") if ">>>" in path.read_text())


@pytest.fixture(autouse=True)
def _folder_of_the_examples(tmp_path, monkeypatch):
    model = make_model(tmp_path, ONE_BALL, (BRIGHT,))
    shutil.copy(model.weights.with_name("tiny.ctab"), tmp_path / "labels.ctab")
    write_volume(synthetic_head(grid_about(CENTER, (60, 56, 50), RAS_AXES, (1, 1, 1))), tmp_path / "head.nii.gz")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("module", MODULES)
def test_examples_of_modules(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("page", PAGES)
def test_examples_of_pages(page):
    result = doctest.testfile(str(ROOT / page), module_relative=False)
    assert result.attempted
    assert not result.failed


def test_no_example_is_forgotten():
    with_examples = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        for path in ROOT.glob("fs_sclimbic/**/*.py")
        if ">>> " in path.read_text()
    }
    assert with_examples == set(MODULES)

"""The notebook in docs/ runs as it stands, and shows what is promised. It is kept without outputs."""

import ast
import json

import pytest

from tests.conftest import ROOT

NOTEBOOK = json.loads((ROOT / "docs/notebook.ipynb").read_text("utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def run_cells() -> list[object]:
    """What the last expression of each cell is, as Jupyter shows it."""
    names: dict[str, object] = {}
    shown = []
    for source in CODE:
        *statements, last = ast.parse(source).body
        assert isinstance(last, ast.Expr), "each cell ends with what it shows"
        exec(compile(ast.Module(statements, []), "cell", "exec"), names)
        shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), names))
    return shown


def test_it_is_kept_without_outputs():
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in NOTEBOOK["cells"])
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])


def test_it_runs():
    pytest.importorskip("nilearn")
    pytest.importorskip("pandas")
    t1, result, picture, frame, sides, files, commissure = run_cells()
    assert repr(t1).startswith("<Volume 197 x 233 x 189, RAS")
    assert "<table>" in result._repr_html_()
    assert "12 of 13" in picture.description or "13 of 13" in picture.description
    assert len(frame) == 12
    assert frame["Volume_mm3"].min() > 20
    assert sides.abs().max() < 40
    assert sorted(files) == [
        "mni152_sclimbic.ctab",
        "mni152_sclimbic.nii.gz",
        "mni152_sclimbic.stats",
        "mni152_sclimbic.webp",
    ]
    assert abs(commissure[0]) < 4
    assert abs(commissure[1]) < 8

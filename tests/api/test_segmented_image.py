"""A result shows itself in a notebook, becomes a data frame, and is written as the command writes it."""

import base64
import io
import re
import sys
from importlib.util import find_spec

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from fs_sclimbic import Options, SclimbicError, UsageError, read_stats, read_volume, segment
from fs_sclimbic.cases.stats_files import format_qa_stats
from fs_sclimbic.segmentation.flag import Flag
from tests.heads import RAS2MNI


@pytest.fixture(scope="module")
def result(head, predictor):
    return segment(head, predictor, Options(exclude=frozenset()), etiv_mm3=1.5e6, ras2mni=RAS2MNI)


def test_it_says_what_it_is_in_one_line(result, head):
    text = repr(result)
    assert re.fullmatch(r"<SegmentedImage image: 2 structures, [\d,]+ mm\^3, eTIV 1,500,000 mm\^3.*>", text)
    assert len(text) < 150
    assert repr(result.labels) == "<Volume 60 x 56 x 50, RAS, voxels of 1 x 1 x 1 mm, int32>"


def test_a_notebook_shows_table_and_picture(result):
    html = result._repr_html_()
    assert re.findall(r"<tr><td>(\d+)</td><td>([\w-]+)</td><td>(\d+)</td>", html) == [
        (str(row.structure.index), row.structure.name, str(row.n_voxels)) for row in result.stats.structures
    ]
    (image,) = re.findall(r'src="data:image/webp;base64,([^"]+)"', html)
    assert Image.open(io.BytesIO(base64.b64decode(image))).width > 1000
    assert 'alt="image: outlines of 2 of 2 structures' in html
    assert "eTIV 1,500,000" in html


def test_names_cannot_break_the_page(head, predictor):
    found = segment(head, predictor)
    named = type(found)(**{**vars(found), "name": "<script>", "warnings": ("a < b",)})
    html = named._repr_html_()
    assert "<script>" not in html
    assert "a &lt; b" in html


def test_plot_takes_a_title(result, tmp_path):
    assert result.plot("sub-01").description.startswith("sub-01: ")
    result.plot().save(tmp_path / "picture.png")
    assert Image.open(tmp_path / "picture.png").format == "PNG"


def test_a_data_frame(result):
    pytest.importorskip("pandas")
    frame = result.to_frame()
    assert frame["StructName"].tolist() == ["Left-Ball", "Right-Ball"]
    assert frame["Volume_mm3"].tolist() == [row.volume_mm3 for row in result.stats.structures]
    assert frame["NVoxels"].dtype.kind == "i"
    assert frame["ZScore"].isna().all()
    assert frame.attrs == {"case": "image", "eTIV": 1.5e6}


def test_without_pandas(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="python -m pip install pandas"):
        result.to_frame()


def test_files_are_those_of_the_command(result, tmp_path):
    written = result.save(tmp_path / "seg.nii.gz", stats=True, qa_stats=True, posteriors=True, picture=True)
    assert sorted(path.name for path in written) == [
        "seg.ctab",
        "seg.nii.gz",
        "seg.posteriors.nii.gz",
        "seg.qa.stats",
        "seg.stats",
        "seg.webp",
    ]
    assert sorted(written) == sorted(tmp_path.iterdir())
    assert np.array_equal(read_volume(tmp_path / "seg.nii.gz").data, result.labels.data)
    assert nib.load(tmp_path / "seg.posteriors.nii.gz").shape == result.posteriors.data.shape
    found = read_stats(tmp_path / "seg.stats")
    assert [row.n_voxels for row in found.structures] == [row.n_voxels for row in result.stats.structures]
    text = (tmp_path / "seg.stats").read_text()
    assert "# cmdline python API" in text
    assert "# Weights tiny.h5 SHA-256" in text
    assert "InputFile" not in text
    rows = format_qa_stats(result.stats, result.options.population).splitlines()
    assert (tmp_path / "seg.qa.stats").read_text().splitlines()[-2:] == rows[-2:]


def test_what_is_flagged_is_told_everywhere(result, tmp_path):
    lost = Flag(kind="EMPTY", severity="bad", reason="no voxel <found>", structure="Left-Ball")
    found = type(result)(**{**vars(result), "flags": (lost,)})
    assert found.verdict.verdict == "bad"
    assert "verdict bad" in repr(found)
    assert "verdict bad: no voxel &lt;found&gt;" in found._repr_html_()
    found.save(tmp_path / "seg.mgz", qa_stats=True)
    text = (tmp_path / "seg.qa.stats").read_text()
    assert "# Verdict bad\n# Flag EMPTY bad no voxel <found>\n" in text
    assert [line.split()[-1] for line in text.splitlines()[-2:]] == ["EMPTY", "-"]
    if find_spec("pandas"):
        assert found.to_frame()["Flags"].tolist() == ["EMPTY", "-"]


def test_labels_alone_by_default(result, tmp_path):
    assert result.save(tmp_path / "seg.mgz") == [tmp_path / "seg.mgz"]


def test_the_image_is_never_replaced(head_file, predictor, tmp_path):
    found = segment(head_file, predictor)
    before = head_file.read_bytes()
    with pytest.raises(UsageError, match="is the image that was segmented"):
        found.save(head_file)
    with pytest.raises(SclimbicError, match="expected an image that ends in"):
        found.save(tmp_path / "seg.png")
    assert head_file.read_bytes() == before
    found.save(tmp_path / "out/seg.mgz", stats=True)
    assert f"# InputFile {head_file}" in (tmp_path / "out/seg.stats").read_text()

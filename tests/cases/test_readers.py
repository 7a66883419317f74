"""What others read: the results of a subject in nibabel, surfa and pandas."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import surfa

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.run import Run
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.segmentation.options import Options
from tests.cohorts import run_one


@pytest.fixture
def bert(subjects_dir, predictor):
    case = subject_case(subjects_dir, "bert", Requests(posteriors=True, qa_stats=True))
    outcome = run_one(case, lambda: predictor, Run(predictor.spec, ("test",)), Options(exclude=frozenset()))
    assert outcome.status == "done", outcome.message
    return subjects_dir / "bert"


@pytest.fixture
def surfa_that_reads(monkeypatch):
    """surfa 0.6.3 reads through a mode of fromstring that NumPy 2.3 dropped; the same bytes go through frombuffer."""

    def from_bytes(content, dtype=float, **_):
        return np.frombuffer(content, dtype).copy()

    monkeypatch.setattr(np, "fromstring", from_bytes)
    return surfa


def test_nibabel(bert):
    t1, labels = nib.load(bert / "mri/nu.mgz"), nib.load(bert / "mri/sclimbic.mgz")
    assert labels.shape == t1.shape
    assert np.array_equal(labels.affine, t1.affine)
    assert set(np.unique(labels.dataobj)) == {0, 26, 853}
    assert nib.load(bert / "mri/sclimbic.posteriors.mgz").get_fdata().sum(-1) == pytest.approx(1, abs=1e-5)


def test_surfa_finds_the_colour_table(bert, predictor, surfa_that_reads):
    volume = surfa_that_reads.load_volume(str(bert / "mri/sclimbic.mgz"))
    assert {index: element.name for index, element in volume.labels.items()} == {
        structure.index: structure.name for structure in predictor.spec.colors
    }
    for structure in predictor.spec.colors:
        assert tuple(volume.labels[structure.index].color[:3]) == structure.rgba[:3]
    assert np.allclose(volume.geom.vox2world.matrix, nib.load(bert / "mri/nu.mgz").affine)


def test_surfa_reads_our_colour_table_text(tmp_path, surfa_that_reads):
    from fs_sclimbic.image.labels import format_ctab

    (tmp_path / "x.ctab").write_text(format_ctab(read_ctab()))
    lookup = surfa_that_reads.load_label_lookup(str(tmp_path / "x.ctab"))
    assert [lookup[index].name for index in (26, 870)] == ["Left-Nucleus-Accumbens", "Right-SeptalNuc"]


@pytest.mark.parametrize("name", ["sclimbic.stats", "sclimbic.qa.stats"])
def test_pandas_and_awk(bert, name):
    """Rows by blanks: SegId second, NVoxels third, volume fourth, name fifth."""
    table = pd.read_csv(bert / "stats" / name, comment="#", sep=r"\s+", header=None)
    assert table[1].tolist() == [26, 853]
    assert table[2].dtype.kind == "i"
    assert table[4].tolist() == ["Left-Ball", "Right-Ball"]
    assert "" not in (bert / "stats" / name).read_text().splitlines()


def test_asegstats2table_line_of_etiv(bert):
    """It splits the line that starts so at commas and takes the fourth field."""
    start = "# Measure EstimatedTotalIntraCranialVol, eTIV,"
    (line,) = [line for line in (bert / "stats/sclimbic.stats").read_text().splitlines() if line.startswith(start)]
    assert float(line.split(",")[3]) == pytest.approx(1948106 / 1.1**3, abs=1e-6)

import numpy as np
import pytest

from fs_sclimbic.errors import TransformError
from fs_sclimbic.image.transforms import read_transform
from fs_sclimbic.registration.etiv import etiv_mm3


def test_buckner():
    assert etiv_mm3(np.diag([1.1, 1.2, 1.3, 1])) == pytest.approx(1948106 / 1.716)


@pytest.mark.parametrize(
    "matrix", [np.zeros((4, 4)), np.diag([1, 1, 0, 1]), np.diag([-1, 1, 1, 1]), np.full((4, 4), np.nan)]
)
def test_no_head_fits(matrix):
    with pytest.raises(TransformError, match="determinant"):
        etiv_mm3(matrix)


def test_real_recon_all_pairs(shared):
    rows = (shared / "reference/etiv/recon_all_pairs.tsv").read_text().splitlines()[1:]
    assert len(rows) > 10
    for row in rows:
        _, *matrix, etiv = row.split("\t")
        ras2ras = np.vstack([[[float(x) for x in line.split()] for line in matrix], [0, 0, 0, 1]])
        assert etiv_mm3(ras2ras) == pytest.approx(float(etiv), abs=5)


@pytest.mark.parametrize("name", ["talairach.xfm", "talairach.xfm.lta"])
def test_either_file_of_a_subject(shared, name):
    etiv = etiv_mm3(read_transform(shared / "data/subjects/studyforrest/mri/transforms" / name))
    assert etiv == pytest.approx(1446231.0147, rel=1e-5)

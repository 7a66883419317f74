"""The flags of a finished case come from its files: from its labels alone, and from its image and transform too."""

import numpy as np
import pytest

from fs_sclimbic.cases.record import Record
from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.image.volume import Grid, Volume, write_volume
from fs_sclimbic.qc.judge_case import judge_case
from fs_sclimbic.segmentation.measure import SegStats, StructureStats

LEFT, RIGHT = (structure for structure in read_ctab().foreground if structure.index in (26, 58))
IDENTITY = "MNI Transform File\n\nTransform_Type = Linear;\nLinear_Transform =\n1 0 0 0\n0 1 0 0\n0 0 1 0;\n"


@pytest.fixture
def labels(head):
    """Two accumbens of 343 voxels."""
    data = np.zeros(head.grid.shape, np.int32)
    data[16:23, 20:27, 20:27] = LEFT.index
    data[34:41, 20:27, 20:27] = RIGHT.index
    return Volume(data, head.grid)


def stats_of(left=343.0, right=343.0, etiv=None):
    rows = [StructureStats(one, int(mm3), mm3, 0.85, 0) for one, mm3 in ((LEFT, left), (RIGHT, right))]
    return SegStats(tuple(rows), 1.0, etiv)


def kinds(labels, stats, **files):
    return [flag.kind for flag in judge_case(labels, stats, read_ctab(), **files)]


def test_labels_alone(labels):
    assert kinds(labels, stats_of()) == []
    assert kinds(labels, stats_of(right=40)) == ["EMPTY"]


def test_the_image_is_judged_if_it_is_the_one_that_was_segmented(labels, head, tmp_path):
    rng = np.random.default_rng(0)
    data = head.data + 5 * rng.standard_normal(head.data.shape).astype(np.float32)
    data[5, 5, 5] = 40 * data.max()
    write_volume(Volume(data, head.grid), tmp_path / "t1.mgz")
    assert "HOT" in kinds(labels, stats_of(), t1=tmp_path / "t1.mgz")
    elsewhere = Grid(head.grid.shape, head.grid.vox2ras + np.eye(4)[:, [1, 2, 0, 3]] * 5)
    write_volume(Volume(data, elsewhere), tmp_path / "other.mgz")
    assert kinds(labels, stats_of(), t1=tmp_path / "other.mgz") == []
    (tmp_path / "broken.mgz").write_bytes(b"no image")
    assert kinds(labels, stats_of(), t1=tmp_path / "broken.mgz") == []


def test_settings_of_the_record_count(labels, head, tmp_path):
    data = head.data + 5 * np.random.default_rng(0).standard_normal(head.data.shape).astype(np.float32)
    data[5, 5, 5] = 40 * data.max()
    write_volume(Volume(data, head.grid), tmp_path / "t1.mgz")
    settings = {"percentile": 99.0, "population": {LEFT.name: [2000, 100, 1500]}}
    record = Record(settings, stats_of(), (), {}, ("Region around the structures, beyond the network's box",))
    found = kinds(labels, stats_of(), t1=tmp_path / "t1.mgz", record=record)
    assert "HOT" not in found
    assert "EMPTY" in found
    assert "OFF_CENTRE" in found
    nonsense = Record({"population": "none"}, stats_of(), (), {})
    assert kinds(labels, stats_of(), record=nonsense) == []


def test_doubtful_etiv(labels, tmp_path):
    (tmp_path / "good.xfm").write_text(IDENTITY.replace("1 0 0 0", "1.1 0 0 3").replace("0 1 0 0", "0 1.05 0 0"))
    (tmp_path / "identity.xfm").write_text(IDENTITY)
    (tmp_path / "broken.xfm").write_text("no transform")
    assert kinds(labels, stats_of(etiv=1.6e6), transform=tmp_path / "good.xfm") == []
    assert kinds(labels, stats_of(etiv=1.9e6), transform=tmp_path / "identity.xfm") == ["ETIV"]
    assert kinds(labels, stats_of(etiv=1.6e6), transform=tmp_path / "broken.xfm") == ["ETIV"]
    assert kinds(labels, stats_of(etiv=3.4e6)) == ["ETIV"]
    assert kinds(labels, stats_of(), transform=tmp_path / "identity.xfm") == []
    told = Record({}, stats_of(), ("ETIV (doubtful): the score is low",), {})
    (flag,) = judge_case(labels, stats_of(etiv=1.6e6), read_ctab(), record=told)
    assert flag.reason == "eTIV is doubtful: the score is low"

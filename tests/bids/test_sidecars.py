import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from fs_sclimbic.bids.cases import image_cases
from fs_sclimbic.bids.group_level import read_finished, write_group_tables
from fs_sclimbic.bids.sidecars import morph_sidecar, write_sidecars
from fs_sclimbic.bids.tree import find_t1_images
from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.record import read_record

STEM = Path("sub-01/ses-1/anat/sub-01_ses-1_seg-limbic")


def sidecar(out, ending):
    return json.loads((out / f"{STEM}_{ending}.json").read_text())


def test_names_and_colours_of_labels(segmented):
    _, out = segmented
    table = (out / f"{STEM}_dseg.tsv").read_text()
    assert table == "index\tname\tcolor\n26\tLeft-Ball\t#eac566\n853\tRight-Ball\t#3c3ad2\n"


def test_where_a_segmentation_comes_from(segmented):
    _, out = segmented
    about = sidecar(out, "dseg")
    assert about["Sources"] == ["bids:raw:sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz"]
    assert about["Weights"].startswith("tiny.h5 SHA-256 ")
    assert sidecar(out, "probseg")["LabelMap"] == ["Background", "Left-Ball", "Right-Ball"]


def test_volumes_are_those_of_the_stats(segmented):
    _, out = segmented
    row = (out / f"{STEM}_morph.tsv").read_text().splitlines()[1].split("\t")
    stats = (out / "sourcedata/sclimbic/sub-01_ses-1/stats/sclimbic.stats").read_text()
    assert row[:2] == ["26", "Left-Ball"]
    assert [line.split()[3] for line in stats.splitlines() if line.endswith("Left-Ball")] == [row[3]]
    assert list(sidecar(out, "morph"))[-6:] == (out / f"{STEM}_morph.tsv").read_text().splitlines()[0].split("\t")


def test_sidecars_that_are_lost_are_written_again_and_others_stay(segmented, tmp_path):
    dataset, out = segmented
    shutil.copytree(out, tmp_path / "out")
    cases = image_cases(find_t1_images(dataset).images, tmp_path / "out", Requests(volumes=True))
    record = read_record(cases[0].case.outputs.record)
    assert write_sidecars(cases[0], record) == []
    lost = tmp_path / "out" / f"{STEM}_dseg.json"
    lost.unlink()
    assert write_sidecars(cases[0], record) == [lost]
    assert lost.read_text() == (out / f"{STEM}_dseg.json").read_text()


def test_etiv_stands_beside_the_structures(segmented):
    dataset, out = segmented
    (case, *_) = image_cases(find_t1_images(dataset).images, out, Requests(volumes=True))
    record = read_record(case.case.outputs.record)
    assert "EstimatedTotalIntraCranialVolume" not in morph_sidecar(case, record)
    record = replace(record, stats=replace(record.stats, etiv_mm3=1.5e6))
    expected = {"Value": 1.5e6, "Units": "mm^3"}
    assert morph_sidecar(case, record)["EstimatedTotalIntraCranialVolume"] == expected


@pytest.mark.skipif(shutil.which("bids-validator-deno") is None, reason="needs bids-validator-deno (pip)")
def test_the_validator_finds_no_error(segmented, tmp_path):
    out = shutil.copytree(segmented[1], tmp_path / "out")
    write_group_tables(out, read_finished(out), {})
    (out / "sclimbic_qc").mkdir()  # pages of fs_sclimbic qc
    (out / "sclimbic_qc/index.html").touch()
    command = ["bids-validator-deno", str(out), "--json"]
    # Its own cache folder, and no way to the network: the schema comes with it.
    environment = {
        **os.environ,
        "DENO_DIR": str(tmp_path / "deno"),
        "http_proxy": "http://[::1]:9",
        "https_proxy": "http://[::1]:9",
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert {issue["code"] for issue in issues} <= {"TOO_FEW_AUTHORS", "NIFTI_PIXDIM"}
    assert done.returncode == 0

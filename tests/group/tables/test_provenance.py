"""Rows that were made in different ways do not stand in one table unnoticed."""

import json

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import folder_cases
from fs_sclimbic.cases.run import Run
from fs_sclimbic.errors import TableError
from fs_sclimbic.group.tables.provenance import (
    CREATED,
    OF_THE_ORIGINAL,
    Provenance,
    check_provenance,
    format_provenance,
    parse_provenance,
    provenance_file,
    provenance_notices,
    read_provenance,
)
from tests.cohorts import run_one

HEADER = f"""\
# Subcortical Limbic Volumetric Stats
{CREATED}
# Weights a.h5 SHA-256 0123456789abcdef (--model)
# Network fov 160 features 24 labels 14
# Engine openvino float32
# InputFile /x/nu.mgz
# TransformFile /x/talairach.xfm
# IntensityRange minimum to the maximum
# Region box
# Volumes from posteriors
# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, 1500000.0, mm^3
"""
OURS = parse_provenance(HEADER.splitlines())


def test_a_header_of_ours():
    assert (
        Provenance(
            "a.h5 01234567",
            (
                "Network fov 160 features 24 labels 14",
                "IntensityRange minimum to the maximum",
                "Volumes from posteriors",
            ),
            "transform",
        )
        == OURS
    )
    more = HEADER + "# Transform computed from the image (whole head), score 0.9\n# Preset study\n"
    computed = parse_provenance(more.replace("float32", "bfloat16").splitlines())
    assert computed.etiv == "image"
    assert {"Preset study", "Engine openvino bfloat16"} <= set(computed.settings)


def test_headers_of_others():
    original = parse_provenance(["# Subcortical Limbic Volumetric Stats", CREATED, "# NRows 12"])
    assert original == OF_THE_ORIGINAL
    assert not original.is_known
    assert parse_provenance(["# Title Segmentation Statistics", "# cvs_version $Id: mri_segstats.c"]) is None


def named(*ways):
    return [(f"s{number}", way) for number, way in enumerate(ways)]


def changed(**changes):
    return Provenance(**{"weights": OURS.weights, "settings": OURS.settings, "etiv": OURS.etiv, **changes})


def test_rows_made_alike():
    warnings, made_with = check_provenance(named(OURS, OURS, None))
    assert warnings == []
    assert made_with == ["weights: a.h5 01234567", f"settings: {'; '.join(OURS.settings)}", "source of eTIV: transform"]
    assert check_provenance(named(None, None)) == ([], [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": "b.h5 ff"}, "weights of s1: b.h5 ff; of 2 others: a.h5 01234567"),
        ({"settings": (*OURS.settings, "Preset study")}, "settings of s1: Preset study; of 2 others: without these"),
        ({"etiv": "image"}, "source of eTIV of s1: image; of 2 others: transform"),
        ({"weights": "", "settings": (), "etiv": ""}, "1 of 3 rows do not say their weights"),
    ],
)
def test_rows_made_in_different_ways_are_refused_and_named(change, words):
    rows = named(OURS, changed(**change), OURS)
    with pytest.raises(TableError) as refused:
        check_provenance(rows)
    assert words in str(refused.value)
    assert "--allow-mixed" in str(refused.value)
    warnings, _ = check_provenance(rows, allow_mixed=True)
    assert len(warnings) == 1
    assert words in warnings[0]


def test_the_source_of_etiv_counts_where_etiv_is_used():
    warnings, made_with = check_provenance(named(OURS, changed(etiv="image")), with_etiv=False)
    assert (warnings, len(made_with)) == ([], 2)


def test_rows_of_the_published_tool_alone_give_one_note():
    warnings, made_with = check_provenance(named(OF_THE_ORIGINAL, OF_THE_ORIGINAL))
    assert (warnings, made_with) == ([], ["weights: not named in the files, as in those of the published tool"])


def test_what_lies_beside_a_table(tmp_path):
    table = tmp_path / "t.dat"
    rows = named(OURS, changed(etiv="image"), OURS, None)
    assert read_provenance(table, ["s0"]) == [("s0", None)]
    provenance_file(table).write_bytes(format_provenance(rows))
    assert read_provenance(table, ["s1", "s0", "s3", "x"]) == [
        ("s1", changed(etiv="image")),
        ("s0", OURS),
        ("s3", None),
        ("x", None),
    ]
    assert len(json.loads(provenance_file(table).read_text())["made"]) == 2


@pytest.mark.parametrize("content", ["", "[]", '{"made": [], "rows": {"a": 3}}', '{"made": 1, "rows": 2}', "\x00"])
def test_a_damaged_file_beside_a_table_says_nothing(tmp_path, content):
    (tmp_path / "t.dat.provenance.json").write_text(content)
    assert read_provenance(tmp_path / "t.dat", ["a"]) == [("a", None)]


def test_notices_for_an_analysis(tmp_path):
    table = tmp_path / "t.dat"
    provenance_file(table).write_bytes(format_provenance(named(OURS, changed(etiv="image"))))
    assert [notice.severity for notice in provenance_notices(table, ["s0", "s1"], with_etiv=False)] == ["note", "note"]
    assert provenance_notices(table, ["s0"])[0].text == "rows made with weights: a.h5 01234567"
    with pytest.raises(TableError):
        provenance_notices(table, ["s0", "s1"])
    assert provenance_notices(table, ["s0", "s1"], allow_mixed=True)[0].severity == "warning"


def test_rows_of_a_runs_table_are_known_from_the_records(tmp_path, head_file, tiny_model, predictor):
    (case,) = folder_cases(tmp_path, tmp_path / "out", Requests(volumes=True))
    run_one(case, lambda: predictor, Run(tiny_model, ()))
    rows = read_provenance(tmp_path / "out/sclimbic_volumes_all.csv", ["head", "other"])
    assert rows[0][1].weights == f"tiny.h5 {tiny_model.sha256[:8]}"
    assert "Volumes from posteriors" in rows[0][1].settings
    assert rows[1] == ("other", OF_THE_ORIGINAL)
    assert read_provenance(tmp_path / "out/lim_volumes_all.csv", ["head"]) == [("head", None)]
    assert read_provenance(tmp_path / "sclimbic_volumes_all.csv", ["head"]) == [("head", None)]

"""The script of the study: the worst case first, all numbers, and no path where none may be told."""

import json
import math
from dataclasses import replace

from fs_sclimbic.qc.pages.study import describe_study, format_study, structures_of
from fs_sclimbic.segmentation.measure import SegStats
from tests.qc.pages.conftest import POPULATION, STRANGE_NAME


def describe(cases, with_paths=True, **more):
    return describe_study(
        cases, population=POPULATION, title="t", identity="i", groups=None, with_paths=with_paths, made=more
    )


def test_worst_first(finished_cases):
    described = describe(finished_cases, **{"sub-01": {"picture": "p.webp", "script": None}})
    assert [one["name"] for one in described["cases"]] == [STRANGE_NAME, "sub-03", "sub-02", "sub-01", "sub-04"]
    assert [one["verdict"] for one in described["cases"]] == ["failed", "bad", "look", "good", "good"]
    failed, bad, _, good, _ = described["cases"]
    assert failed["volumes"] == [None] * 4
    assert failed["problem"]
    assert [flag["kind"] for flag in bad["flags"]] == ["EMPTY", "ASYMMETRY"]
    assert good["picture"] == "p.webp"
    assert "script" not in good
    assert good["etiv"] == 1410.0
    assert good["weights"] == "tiny.h5 01234567"
    rows = finished_cases[0].stats.structures
    assert good["volumes"] == [round(row.volume_mm3, 1) for row in rows]
    assert good["z"] == [round((row.volume_mm3 - 900) / 150, 2) for row in rows]
    assert good["confidences"] == [0.75] * 4


def test_warnings_that_flags_repeat_are_told_once(finished_cases):
    warned = replace(
        finished_cases[1], warnings=("ASYMMETRY (one side): Right-Ball", "EMPTY (none): Rod", "hot voxels")
    )
    assert describe([warned])["cases"][0]["warnings"] == ["EMPTY (none): Rod", "hot voxels"]


def test_without_paths(finished_cases):
    text = format_study(describe(finished_cases, with_paths=False))
    assert "somebody" not in text
    assert str(finished_cases[0].segmentation.parent) not in text
    assert str(finished_cases[0].segmentation) in format_study(describe(finished_cases)).replace("\\/", "/")


def test_structures_of_several_models_and_numbers_that_are_none(finished_cases):
    first, second = finished_cases[:2]
    rows = first.stats.structures
    fewer = replace(first, stats=SegStats(rows[:1], 1.0))
    odd = replace(second, stats=SegStats((replace(rows[3], confidence=math.nan),), 1.0))
    assert [one.name for one in structures_of([fewer, odd])] == ["Left-Ball", "Box"]
    described = describe([fewer, odd])
    by_name = {one["name"]: one for one in described["cases"]}
    assert by_name["sub-01"]["volumes"][1] is None
    assert by_name["sub-02"]["confidences"] == [None, None]
    json.loads(format_study(described).split("study = ")[1].rstrip(";\n"))


def test_other_numbers_are_another_result(finished_cases):
    first = finished_cases[0]
    row = first.stats.structures[0]
    changed = replace(first, stats=replace(first.stats, structures=(replace(row, n_voxels=row.n_voxels + 1),)))
    results = [describe([case])["cases"][0]["result"] for case in (first, first, changed)]
    assert results[0] == results[1] != results[2]

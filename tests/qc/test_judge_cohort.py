"""What a cohort tells is added to the flags of its cases, in their order, whatever their names."""

from dataclasses import replace
from pathlib import Path

from fs_sclimbic.cases.case import Case, Outputs
from fs_sclimbic.cases.pipeline import Outcome
from fs_sclimbic.cases.record import Record
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.qc.finished_case import FinishedCase
from fs_sclimbic.qc.judge_cohort import add_cohort_flags, judge_cohort, judge_records
from fs_sclimbic.segmentation.flag import CaseVerdict, Flag
from fs_sclimbic.segmentation.measure import SegStats, StructureStats

NOISE = Flag(kind="NOISE", severity="look", reason="noise is 12 % of the contrast")
FILES = Outputs(segmentation=Path("a.mgz"), record=Path("a.json"))
VOLUMES = [500.0 + 7 * (i % 5) for i in range(24)] + [90.0]


def stats_of(volume):
    return SegStats((StructureStats(Structure(821, "Left-Fornix", (0, 0, 0, 0)), 9, volume, 0.8, 0),), 1.0)


def test_outcomes_of_a_run():
    case = Case(name="same", t1=Path("a"), transforms=(), outputs=FILES)
    done = [
        Outcome(case=case, status="done", seconds=1.0, flags=(NOISE,), stats=stats_of(volume)) for volume in VOLUMES
    ]
    failed = Outcome(case=case, status="failed", seconds=1.0, message="no")
    kinds = [[flag.kind for flag in outcome.flags] for outcome in add_cohort_flags([failed, *done])]
    assert kinds == [[], *[["NOISE"]] * 24, ["NOISE", "OUTLIER"]]


def test_finished_cases():
    cases = [
        FinishedCase(name="s", segmentation=Path("a"), stats=stats_of(volume), verdict=CaseVerdict(case="s"))
        for volume in VOLUMES
    ]
    assert [case.verdict.verdict for case in judge_cohort(cases)] == ["good"] * 24 + ["look"]


def test_verdicts_with_their_numbers():
    records = [("s", Record({}, stats_of(volume), (), {}, ("Weights a.h5",), (NOISE,))) for volume in VOLUMES]
    kinds = [[flag.kind for flag in verdict.flags] for verdict, _ in judge_records(records, {})]
    assert kinds == [*[["NOISE"]] * 24, ["NOISE", "OUTLIER"]]
    records[0] = ("s", replace(records[0][1], provenance=("Weights b.h5",)))
    assert [flag.kind for flag in judge_records(records, {})[0][0].flags] == ["NOISE", "SETTINGS"]

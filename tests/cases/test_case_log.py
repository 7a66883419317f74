"""What the log of a case says."""

from dataclasses import replace

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.case_log import outcome_lines, write_log
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.pipeline import Outcome
from fs_sclimbic.segmentation.measure import SegStats


def outcome(folder, **what):
    case = image_case(folder / "t1.mgz", folder / "seg.mgz", Requests(volumes=True))
    return Outcome(**{"case": case, "status": "done", "seconds": 1.26, **what})


def test_what_was_done_is_told(tmp_path):
    stats = SegStats((), 1.0, 1464123.45)
    first, *lines = outcome_lines(outcome(tmp_path, notes=("box verified",), warnings=("look",), stats=stats))
    assert first.endswith("seg done 1.3 s")
    assert lines == [
        "  box verified",
        "  warning: look",
        *(f"  wrote {tmp_path / name}" for name in ("seg.mgz", "seg.stats", "seg.sclimbic.json")),
        "  eTIV 1464123.450000 mm^3",
    ]


def test_what_failed_is_told_with_its_traceback(tmp_path):
    failed = outcome(tmp_path, status="failed", message="t1.mgz: is not an image", details="Traceback\n  line 1")
    first, *lines = outcome_lines(failed)
    assert first.endswith("seg failed 1.3 s t1.mgz: is not an image")
    assert lines == ["Traceback", "  line 1"]
    assert "wrote" not in "".join(outcome_lines(replace(failed, status="skipped")))


def test_a_log_grows_and_costs_nothing_where_it_cannot_be_written(tmp_path, caplog):
    for line in ("one", "two"):
        write_log(tmp_path / "logs/x.log", [line])
    assert (tmp_path / "logs/x.log").read_text() == "one\ntwo\n"
    write_log(tmp_path / "logs", ["three"])
    assert f"{tmp_path / 'logs'}: log cannot be written" in caplog.text

"""A model whose structures lie nobody knows where: the first head that shows all of them tells."""

from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.cases.cohort import run_cohort
from fs_sclimbic.cases.pipeline import HeadFinders
from fs_sclimbic.cases.record import read_record
from fs_sclimbic.cases.run import Run
from fs_sclimbic.image.volume import Grid, Volume, read_volume, write_volume
from fs_sclimbic.network.predictor import NetworkPredictor
from fs_sclimbic.network.store import find_prior, learned_prior_file
from fs_sclimbic.network.structure_prior import read_prior
from fs_sclimbic.registration.head_search import Head
from fs_sclimbic.segmentation.options import Options
from tests.cohorts import cases_of, never, no_head
from tests.conftest import CENTER, LEFT_BALL, RAS_AXES, RIGHT_BALL, grid_about, synthetic_head


def found(_):
    """Finds the head where the model saw it."""
    return Head(np.eye(4), 0.9)


def run_all(cases, model, options, run, locate=found):
    return list(run_cohort(cases, lambda: model, options, run, finders=HeadFinders(locate, never)))


@pytest.fixture
def unplaced(tmp_path, tiny_model, monkeypatch):
    """A model with a box of a head's size, and without a prior."""
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "models"))
    return NetworkPredictor(replace(tiny_model, fov=128), threads=1, engine="openvino")


@pytest.fixture(scope="module")
def large_head():
    """A head with two balls, and a darker face: two balls alone do not fill the range of intensities."""
    head = synthetic_head(grid_about(CENTER, (130, 130, 130), RAS_AXES, (1, 1, 1)))
    head.data[-2:] = 70
    return head


def test_a_model_without_a_place_learns_it_from_the_first_head_that_shows_all(tmp_path, large_head, unplaced):
    spec = unplaced.spec
    one_ball = Volume(np.where(large_head.data < 60, 100, large_head.data), large_head.grid)  # no black ball
    one_ball.data[0, 0, 0] = 0
    cases = cases_of(tmp_path, large_head, 3)
    write_volume(one_ball, cases[0].t1)
    outcomes = run_all(cases, unplaced, Options(), Run(spec, (), threads=1))
    assert [outcome.status for outcome in outcomes] == ["done"] * 3, outcomes
    notes = ["\n".join(outcome.notes) for outcome in outcomes]
    assert "learned" not in notes[0]
    kept = learned_prior_file(spec.sha256, spec.colors)
    assert f"learned where the structures lie, kept in {kept}" in notes[1]
    assert "whole field of view" in notes[1]
    assert "verified" in notes[2]
    assert "whole field of view" not in notes[2]
    place = read_prior(kept, ["Left-Ball", "Right-Ball"], spec.sha256)
    assert np.allclose([site.centre for site in place.sites], [LEFT_BALL, RIGHT_BALL], atol=0.6)
    assert place == find_prior(spec.weights, spec.sha256, spec.colors)
    # The place is no more than where to look first.
    assert outcomes[1].stats == outcomes[2].stats
    assert np.array_equal(*(read_volume(case.outputs.segmentation).data for case in cases[1:]))


def test_a_learned_place_is_used_side_by_side(tmp_path, large_head, unplaced):
    cases = cases_of(tmp_path, large_head, 4)
    outcomes = run_all(cases, unplaced, Options(), Run(unplaced.spec, (), threads=2))
    assert [outcome.status for outcome in outcomes] == ["done"] * 4
    assert any("learned" in note for note in outcomes[0].notes)
    assert sum("learned" in note for outcome in outcomes for note in outcome.notes) == 1
    assert any("verified" in note for note in outcomes[3].notes)
    assert len({outcome.stats for outcome in outcomes}) == 1


@pytest.mark.parametrize(
    ("options", "locate"), [(Options(full_fov=True), found), (Options(), no_head)], ids=["whole", "no head"]
)
def test_nothing_is_learned_in_the_whole_field_of_view_or_without_a_head(
    tmp_path, large_head, unplaced, options, locate
):
    spec = unplaced.spec
    outcomes = run_all(cases_of(tmp_path, large_head, 2), unplaced, options, Run(spec, (), threads=1), locate)
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    assert not any("learned" in note for outcome in outcomes for note in outcome.notes)
    assert not learned_prior_file(spec.sha256, spec.colors).parent.exists()


def test_a_folder_that_cannot_be_written_costs_a_note(tmp_path, large_head, unplaced, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "file" / "models"))
    cases = cases_of(tmp_path, large_head, 2)
    outcomes = run_all(cases, unplaced, Options(), Run(unplaced.spec, (), threads=1))
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    assert any("cannot be kept" in note for note in outcomes[0].notes)
    # Else the next run would learn from another head: equal settings would not give equal results.
    assert not any("verified" in note for note in outcomes[1].notes)
    assert any("whole field of view" in note for note in outcomes[1].notes)


def test_a_fault_in_learning_costs_no_case(tmp_path, large_head, unplaced, caplog):
    def faulty(_):
        raise np.linalg.LinAlgError("singular")

    cases = cases_of(tmp_path, large_head, 2)
    outcomes = run_all(cases, unplaced, Options(), Run(unplaced.spec, (), threads=2), faulty)
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    assert "not learned: LinAlgError" in caplog.text


def test_cases_before_and_after_learning_are_treated_alike(tmp_path, large_head, unplaced):
    """The first head is cut by what was learned from it, as the later ones are, and its record says so."""
    island = Volume(large_head.data.copy(), large_head.grid)
    island.data[65:67, 65:67, 120:122] = 0
    cases = cases_of(tmp_path, island, 3)
    spec = unplaced.spec
    outcomes = run_all(cases, unplaced, Options(), Run(spec, (), threads=2))
    assert [outcome.status for outcome in outcomes] == ["done"] * 3, outcomes
    assert len({outcome.stats for outcome in outcomes}) == 1
    places = {read_record(case.outputs.record).settings["place_sha256"] for case in cases}
    assert len(places) == 1
    assert None not in places
    known = replace(spec, prior=find_prior(spec.weights, spec.sha256, spec.colors))
    again = run_all(cases, unplaced, Options(), Run(known, (), threads=2))
    assert [outcome.status for outcome in again] == ["skipped"] * 3


def test_nothing_is_learned_from_a_head_that_is_cut(tmp_path, large_head, unplaced):
    """Its prior would be that of a part, and later boxes too small."""
    grid = large_head.grid
    first = int((np.linalg.inv(grid.vox2ras) @ [*LEFT_BALL, 1])[2]) - 2  # two slices below the middle of a ball
    data = np.ascontiguousarray(large_head.data[:, :, first:])
    vox2ras = grid.vox2ras.copy()
    vox2ras[:3, 3] += grid.vox2ras[:3, 2] * first
    cut = Volume(data, Grid(data.shape, vox2ras))
    cases = cases_of(tmp_path, cut, 2)
    write_volume(large_head, cases[1].t1)
    outcomes = run_all(cases, unplaced, Options(), Run(unplaced.spec, (), threads=1))
    assert any("edge of the image" in warning for warning in outcomes[0].warnings), outcomes[0]
    assert ["learned" in "".join(outcome.notes) for outcome in outcomes] == [False, True]

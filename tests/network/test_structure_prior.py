import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.errors import ModelError
from fs_sclimbic.files.resources import data_file
from fs_sclimbic.image.labels import ColorTable, Structure, read_ctab
from fs_sclimbic.image.volume import Grid
from fs_sclimbic.network.store import (
    PRIOR_SUFFIX,
    PUBLISHED_SHA256,
    find_prior,
    learned_prior_file,
    prior_file_beside,
    write_prior,
)
from fs_sclimbic.network.structure_prior import (
    Site,
    StructurePrior,
    average_priors,
    expect,
    format_prior,
    measure_prior,
    parse_prior,
    read_prior,
)
from tests.conftest import ONE_BALL, TWO_BALLS, grid_about
from tests.mutations import mutations

LEFT = Site("Left-Ball", (-12.0, -4.0, 1.0), (-6.0, 2.0, 9.0), (-10.0, -1.0, 4.0), 120.0)
RIGHT = Site("Right-Ball", (5.0, -3.0, 0.0), (13.0, 3.0, 8.0), (9.0, 0.5, 4.0), 160.0)
PLACE = StructurePrior((LEFT, RIGHT), 3)
NAMES = ["Left-Ball", "Right-Ball"]


def affine(matrix=1.0, shift=(0, 0, 0)):
    full = np.eye(4)
    full[:3, :3], full[:3, 3] = matrix * np.eye(3) if np.isscalar(matrix) else matrix, shift
    return full


def turn(axis, degrees):
    angle = np.deg2rad(degrees)
    matrix = np.eye(3)
    i, j = (n for n in range(3) if n != axis)
    matrix[[i, i, j, j], [i, j, i, j]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
    return matrix


GRID = Grid((40, 40, 40), affine(shift=(-20, -20, -20)))


def test_expect_counts_voxels_from_the_first_one():
    expected = expect(PLACE, np.eye(4), GRID)
    assert np.allclose(expected.low, np.add([LEFT.low, RIGHT.low], 20))
    assert np.allclose(expected.high, np.add([LEFT.high, RIGHT.high], 20))
    assert np.allclose(expected.centre, np.add([LEFT.centre, RIGHT.centre], 20))
    assert np.allclose(expected.voxels, [120, 160])


def test_expect_in_a_head_that_is_shifted_and_smaller():
    """A head of half the template's size, 10 mm to the right of it."""
    expected = expect(PLACE, affine(2, (-20, 0, 0)), GRID)
    assert np.allclose(expected.centre[0], [5 + 20, -0.5 + 20, 2 + 20])
    assert np.allclose(expected.high[0] - expected.low[0], [3, 3, 4])
    assert np.allclose(expected.voxels, [15, 20])


def test_expect_in_voxels_of_another_size_and_direction():
    grid = Grid((20, 20, 20), affine(np.diag([-2.0, 2, 2]), (20, -20, -20)))
    expected = expect(PLACE, np.eye(4), grid)
    assert np.allclose(expected.low[0], [13, 8, 10.5]), "left is where the voxels grow: low and high change places"
    assert np.allclose(expected.high[0], [16, 11, 14.5])
    assert np.allclose(expected.voxels, [15, 20])


def test_expect_in_a_turned_head_is_the_box_around_the_turned_box():
    expected = expect(PLACE, np.linalg.inv(affine(turn(2, 90))), GRID)
    # A quarter turn to the left: (x, y) -> (-y, x).
    assert np.allclose(expected.low[0], [-2 + 20, -12 + 20, 1 + 20])
    assert np.allclose(expected.high[0], [4 + 20, -6 + 20, 9 + 20])
    oblique = expect(PLACE, np.linalg.inv(affine(turn(2, 45))), GRID)
    assert np.allclose((oblique.high - oblique.low)[0, :2], 12 / np.sqrt(2))
    assert np.allclose((oblique.high - oblique.low)[0, 2], 8)
    assert np.allclose(oblique.voxels, [120, 160])


def test_an_expectation_can_be_moved():
    here = expect(PLACE, np.eye(4), GRID)
    there = here.moved(np.array([1, -2, 3.5]))
    for name in ("low", "high", "centre"):
        assert np.allclose(getattr(there, name) - getattr(here, name), [1, -2, 3.5])
    assert np.array_equal(there.voxels, here.voxels)


def test_what_a_turned_head_shows_is_expected_there_again():
    ras2mni = affine(turn(0, 12) @ turn(2, -8) * 1.1, (4, -7, 11))
    grid = grid_about((3, 5, -2), (44, 40, 36), np.diag([-1, 1, 1]), (1, 1, 1.25))
    winner = np.zeros(grid.shape, int)
    winner[8:13, 20:29, 10:14] = 1
    winner[25:32, 18:22, 12:19] = 2
    place = measure_prior(winner, TWO_BALLS, ras2mni, grid)
    assert [site.name for site in place.sites] == NAMES
    assert place.heads == 1
    expected = expect(place, ras2mni, grid)
    for row, channel in enumerate((1, 2)):
        voxels = np.argwhere(winner == channel)
        assert (expected.low[row] <= voxels.min(0) + 1e-9).all()
        assert (expected.high[row] >= voxels.max(0) - 1e-9).all()
        # Extents grow where boxes are turned forth and back, by 20 degrees here.
        assert (expected.high[row] - expected.low[row] < 1.7 * np.ptp(voxels, 0) + 3).all()
        assert np.allclose(expected.centre[row], np.median(voxels, 0), atol=0.5)
        assert expected.voxels[row] == pytest.approx(len(voxels))
    # Another image of the head: nothing but the matrix tells where the structures are.
    moved = affine(turn(1, 30), (10, 20, -30))
    elsewhere = expect(place, ras2mni @ np.linalg.inv(moved), Grid(grid.shape, moved @ grid.vox2ras))
    assert np.allclose(elsewhere.centre, expected.centre)


def test_no_place_without_all_structures():
    winner = np.zeros(GRID.shape, int)
    winner[3:6, 3:6, 3:6] = 1
    assert measure_prior(winner, TWO_BALLS, np.eye(4), GRID) is None
    assert measure_prior(winner, ONE_BALL, np.eye(4), GRID).sites[0].volume_mm3 == 27


def test_the_average_of_heads():
    other = StructurePrior(
        tuple(replace(s, low=tuple(np.add(s.low, 2)), volume_mm3=2 * s.volume_mm3) for s in PLACE.sites)
    )
    mean = average_priors([PLACE, other])
    assert mean.heads == 4
    assert mean.sites[0] == replace(LEFT, low=(-11.0, -3.0, 2.0), volume_mm3=180.0)
    assert average_priors([PLACE]) == PLACE
    with pytest.raises(ValueError, match="argument 2"):
        average_priors([PLACE, StructurePrior((LEFT,))])


NUMBERS = st.integers(-30000, 30000).map(lambda n: n / 100)
POINTS = st.tuples(NUMBERS, NUMBERS, NUMBERS)
VOLUMES = st.integers(1, 10**7).map(lambda n: n / 10)


def make_site(name, one, other, centre, volume_mm3):
    low, high = np.minimum(one, other).tolist(), np.maximum(one, other).tolist()
    return Site(name, tuple(low), tuple(high), centre, volume_mm3)


SITES = st.builds(make_site, st.text(), POINTS, POINTS, POINTS, VOLUMES)


@given(st.lists(SITES, min_size=1), st.integers(1, 1000))
def test_format_and_parse_close_the_circle(sites, heads):
    place = StructurePrior(tuple(sites), heads)
    text = json.dumps(format_prior(place))
    assert parse_prior(json.loads(text), [site.name for site in sites]) == place


def test_a_file_and_back(tmp_path):
    write_prior(tmp_path / "new" / "x.place.json", PLACE, "abc")
    assert read_prior(tmp_path / "new" / "x.place.json", NAMES, "abc") == PLACE
    with pytest.raises(ModelError, match=r"x\.place\.json.*measured with other weights"):
        read_prior(tmp_path / "new" / "x.place.json", NAMES, "abd")


def changed(**fields):
    return {**format_prior(PLACE), **fields}


def changed_row(**fields):
    first, second = format_prior(PLACE)["structures"]
    return changed(structures=[{**first, **fields}, second])


WRONG = {
    "another format": (changed(format=2), "format 2, space MNI305; expected 1, MNI305"),
    "another space": (changed(space="Talairach"), "space Talairach"),
    "other structures": (changed_row(name="Middle-Ball"), "not those of the colour table"),
    "a structure less": (changed(structures=format_prior(PLACE)["structures"][:1]), "not those of the colour table"),
    "none": (changed(structures=[]), "colour table"),
    "no number": (changed_row(low=[1, float("nan"), 3]), "not finite"),
    "infinite": (changed_row(volume_mm3=float("inf")), "not finite"),
    "two coordinates": (changed_row(high=[1, 2]), "not enough values"),
    "no centre": (changed_row(centre=None), "not the place of a model"),
    "words for numbers": (changed_row(volume_mm3="large"), "could not convert"),
    "a list": ([1, 2], "not the place of a model"),
    "nothing": ({}, "not the place of a model.*format"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_is_no_place_is_refused_with_its_name(case, tmp_path):
    content, words = case
    with pytest.raises(ValueError, match=words):
        parse_prior(content, NAMES)
    path = tmp_path / "model.place.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=rf"model\.place\.json: cannot be used \(.*(?:{words})"):
        read_prior(path, NAMES, "abc")


def test_a_file_that_is_not_json_or_not_there(tmp_path):
    path = tmp_path / "model.place.json"
    with pytest.raises(ModelError, match=r"model\.place\.json: cannot be used"):
        read_prior(path, NAMES, "abc")
    for content in (b"{", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"model\.place\.json: cannot be used"):
            read_prior(path, NAMES, "abc")


@pytest.fixture
def models(monkeypatch, tmp_path):
    """The user's folder of models, empty."""
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_a_place_beside_the_weights_goes_before_a_learned_one(models, tmp_path):
    weights = tmp_path / "tiny.h5"
    assert find_prior(weights, "abc", TWO_BALLS) is None
    learned, beside = replace(PLACE, heads=1), replace(PLACE, heads=40)
    kept = learned_prior_file("abc", TWO_BALLS)
    write_prior(kept, learned, "abc")
    assert kept.parent == models
    assert find_prior(weights, "abc", TWO_BALLS) == learned
    assert find_prior(weights, "abd", TWO_BALLS) is None, "it is of other weights"
    write_prior(prior_file_beside(weights), beside, "abc")
    assert prior_file_beside(weights).name == f"tiny.h5{PRIOR_SUFFIX}"
    assert find_prior(weights, "abc", TWO_BALLS) == beside


@pytest.mark.usefixtures("models")
def test_known_weights_have_a_place_with_their_own_table_only(tmp_path):
    table = read_ctab(None)
    place = find_prior(tmp_path / "any.h5", PUBLISHED_SHA256, table)
    assert [site.name for site in place.sites] == [structure.name for structure in table.foreground]
    for site in place.sites:
        assert (np.array(site.low) < site.centre).all()
        assert (np.array(site.high) > site.centre).all()
        side = {"Left": -1, "Right": 1, "Mid": 0}[site.name.split("-")[0]]
        assert side * site.centre[0] >= 0
    assert find_prior(tmp_path / "any.h5", PUBLISHED_SHA256, TWO_BALLS) is None
    renamed = [replace(structure, name=f"My-{structure.name}") for structure in table]
    assert find_prior(tmp_path / "any.h5", PUBLISHED_SHA256, ColorTable(tuple(renamed))) is None


@pytest.mark.usefixtures("models")
def test_a_wrong_place_beside_the_weights_is_told(tmp_path):
    path = prior_file_beside(tmp_path / "tiny.h5")
    write_prior(path, PLACE, "abc")
    with pytest.raises(ModelError, match=rf"{path.name}: cannot be used .*colour table"):
        find_prior(tmp_path / "tiny.h5", "abc", ONE_BALL)


@pytest.mark.usefixtures("models")
def test_a_learned_place_of_no_use_is_learned_again(tmp_path):
    """What a run has kept by itself must never stop another."""
    kept = learned_prior_file("abc", TWO_BALLS)
    assert kept != learned_prior_file("abc", ONE_BALL), "other names are another model"
    write_prior(kept, PLACE, "abc")
    kept.write_text("{")
    assert find_prior(tmp_path / "tiny.h5", "abc", TWO_BALLS) is None
    table = read_ctab(None)
    write_prior(learned_prior_file(PUBLISHED_SHA256, table), PLACE, PUBLISHED_SHA256)
    assert find_prior(tmp_path / "any.h5", PUBLISHED_SHA256, table).heads > 1, "the package knows better"


def test_crumbs_are_no_part_of_a_place():
    """An island far away would make the box of all later heads too large; a second side is no island."""
    winner = np.zeros((60, 40, 40), int)
    winner[10:16, 10:16, 10:16], winner[40:46, 10:16, 10:16] = 1, 1
    winner[20:24, 20:24, 20:24] = 2
    clean = measure_prior(winner, TWO_BALLS, np.eye(4), Grid(winner.shape, np.eye(4)))
    winner[30:33, 36:39, 36:39] = 1
    assert measure_prior(winner, TWO_BALLS, np.eye(4), Grid(winner.shape, np.eye(4))) == clean
    assert (clean.sites[0].low[0], clean.sites[0].high[0]) == (10, 45)
    winner[winner == 2] = 0
    winner[20, 20, 20:23] = 2
    assert measure_prior(winner, TWO_BALLS, np.eye(4), Grid(winner.shape, np.eye(4))) is None, "hardly seen"


def test_structures_have_the_order_of_the_table():
    swapped = ColorTable((TWO_BALLS.structures[0], Structure(1, "Right-Ball", (0, 0, 0, 0)), TWO_BALLS.structures[1]))
    with pytest.raises(ValueError, match="colour table"):
        parse_prior(format_prior(PLACE), [structure.name for structure in swapped.foreground])


ODD_CONTENTS = ["[]", "null", "7", '"x"', "{}", "[" * 100_000, '{"structures": 1e999}', "\x1b[31m", '{"a": "\ud800"}']


@pytest.mark.parametrize("content", ODD_CONTENTS, ids=range(len(ODD_CONTENTS)))
def test_odd_json_is_our_error(content, tmp_path):
    path = tmp_path / "x.place.json"
    path.write_text(content, "utf-8", "surrogatepass")
    with pytest.raises(ModelError) as error:
        read_prior(path, ["A"], "0" * 64)
    assert str(error.value).startswith(f"{path}: ")
    assert str(error.value).isprintable()


def test_damage_is_our_error(tmp_path):
    """Also in the file of known models; and a prior that is read has numbers that a head may have."""
    colors, path = read_ctab(), tmp_path / "places.json"
    known = json.loads(data_file("models", "places.json").read_text())
    sha256, first = next(iter(known.items()))
    names = [structure.name for structure in colors.foreground]
    messages = []
    for damaged in mutations(json.dumps({sha256: first}).encode(), 150):
        path.write_bytes(damaged)
        try:
            prior = find_prior(tmp_path / "x.h5", sha256, colors, shipped_priors=path)
        except ModelError as error:
            messages.append(str(error))
        else:
            if prior is not None:
                assert [site.name for site in prior.sites] == names
                assert all(np.isfinite([*site.low, *site.high, site.volume_mm3]).all() for site in prior.sites)
    assert len(messages) > 50
    assert all(message.isprintable() for message in messages)


def test_numbers_that_no_head_has(tmp_path):
    known = json.loads(data_file("models", "places.json").read_text())
    content = next(iter(known.values()))
    names = [row["name"] for row in content["structures"]]
    for change in ({"volume_mm3": 0}, {"low": [0, 0, 400]}, {"low": [5, 5, 5], "high": [4, 5, 5]}, {"high": [1, 2]}):
        rows = [content["structures"][0] | change, *content["structures"][1:]]
        path = tmp_path / "x.place.json"
        path.write_text(json.dumps(content | {"structures": rows}))
        with pytest.raises(ModelError, match="cannot be used"):
            read_prior(path, names, "0" * 64)

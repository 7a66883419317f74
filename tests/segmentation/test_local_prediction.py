"""Where the network looks: a guess may cost time, never a voxel.

A predictor that knows the labels stands for the network. Whatever is guessed, what is kept must be what a right guess
keeps, or the whole field of view.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fs_sclimbic.image.box import Box
from fs_sclimbic.image.conform import conform, shift_grid
from fs_sclimbic.image.labels import ColorTable, Structure
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.network.architecture import FOV_MULTIPLE, REACH
from fs_sclimbic.network.structure_prior import expect, measure_prior
from fs_sclimbic.segmentation.box_choice import EDGE_MM
from fs_sclimbic.segmentation.local_prediction import UNSHIFTED, predict_box, predict_locally, whole_field_of_view
from fs_sclimbic.segmentation.options import Options
from fs_sclimbic.segmentation.placement_check import MARGIN_VOXELS
from fs_sclimbic.segmentation.segment import segment
from tests.conftest import BALL_VOLUME_MM3, TWO_BALLS, make_model
from tests.networks import random_weights

FOV = 128
SHAPE = (132, 136, 128)
NAMES = ("Left", "Right", "Rod", "Block", "Small")
COLORS = ColorTable(
    (Structure(0, "Unknown", (0, 0, 0, 0)), *(Structure(n, s, (0,) * 4) for n, s in enumerate(NAMES, 1)))
)
RAS2MNI = np.eye(4)
RAS2MNI[:3, :3] = 1.1 * Rotation.from_euler("xyz", (12, -5, 8), degrees=True).as_matrix()
RAS2MNI[:3, 3] = 3, -8, 5


@dataclass
class KnownLabels:
    """A predictor that looks up what it says, 0.9 for the label and 0.1 for all others together."""

    labels: Volume
    spec: object = None
    calls: list = field(default_factory=list)
    """For each call, first voxel (counted from the first of the labels) and shape of the block, and what was wanted."""

    def predict(self, conformed, wanted=None):
        block = Box.of_shape(conformed.data.shape)
        assert not any(n % FOV_MULTIPLE for n in block.shape)
        wanted = block if wanted is None else wanted
        assert block.holds(wanted)
        start = np.linalg.inv(self.labels.grid.vox2ras) @ conformed.grid.vox2ras[:, 3]
        start = np.rint(start[:3]).astype(int)
        self.calls.append((block.moved(start), wanted.moved(start)))
        there = wanted.moved(start)
        found = np.zeros(wanted.shape, int)
        inside = there.clipped(Box.of_shape(self.labels.data.shape))
        if inside.voxels:
            found[inside.seen_from(there).slices] = self.labels.data[inside.slices]
        others = len(COLORS) - 1
        posteriors = np.where(found[..., None] == np.arange(len(COLORS)), np.float32(0.9), np.float32(0.1 / others))
        return Volume(posteriors, shift_grid(conformed.grid, wanted.low, wanted.shape))


def labels_about(centre, shape=SHAPE):
    """Five structures, 31 x 34 x 23 voxels together, about a voxel."""
    x, y, z = (index - c for index, c in zip(np.indices(shape, sparse=True), centre, strict=True))
    labels = np.zeros(shape, np.int32)
    labels[(x + 12) ** 2 + y**2 + z**2 < 12] = 1
    labels[(x - 12) ** 2 + (y - 2) ** 2 + (z + 1) ** 2 < 12] = 2
    labels[(abs(x) < 2) & (y > -25) & (y < 9) & (abs(z - 8) < 2)] = 3
    labels[(abs(x) < 5) & (abs(y - 6) < 3) & (abs(z + 8) < 4)] = 4
    labels[(abs(x - 3) < 2) & (abs(y + 8) < 2) & (abs(z + 5) < 2)] = 5
    return labels


CENTRE = (66, 72, 62)
LABELS = labels_about(CENTRE)


def grid_of(shape=SHAPE):
    return Grid(shape, np.array([[1.0, 0, 0, -70], [0, 1, 0, -50], [0, 0, 1, -60], [0, 0, 0, 1]]))


def extent_of(labels):
    where = np.argwhere(labels)
    return Box(tuple(where.min(0).tolist()), tuple((where.max(0) + 1).tolist()))


def head_with(labels):
    """A head on the grid of its labels; its voxels play no part."""
    return Volume((labels + np.arange(labels.shape[2])).astype(np.float32), grid_of(labels.shape))


PLACE = measure_prior(LABELS, COLORS, RAS2MNI, grid_of())


def ras_of(voxel):
    return (grid_of().vox2ras @ [*voxel, 1])[:3]


def off(shift=(0, 0, 0), turn=(0, 0, 0), scale=1.0, about=CENTRE):
    """A transform that puts the structures elsewhere: shifted (mm), turned (degrees) and scaled about a voxel."""
    error = np.eye(4)
    error[:3, :3] = Rotation.from_rotvec(turn, degrees=True).as_matrix() * scale
    error[:3, 3] = ras_of(about) + shift - error[:3, :3] @ ras_of(about)
    return RAS2MNI @ np.linalg.inv(error)


def predicted(labels, *guesses, prior=PLACE, **options):
    """What is predicted for a head with these labels, and the predictor that was asked."""
    head = head_with(labels)
    model = KnownLabels(Volume(labels, head.grid))
    result = predict_locally(
        conform(head, FOV), model, prior, lambda: iter([(f"guess {n}", g) for n, g in enumerate(guesses)]), **options
    )
    return result, model


def in_head(result, labels):
    """The box of a prediction in voxels of the labels."""
    start = np.linalg.inv(grid_of(labels.shape).vox2ras) @ result.posteriors.grid.vox2ras[:, 3]
    box = Box.of_shape(result.posteriors.data.shape).moved(np.rint(start[:3]).astype(int))
    assert box.shape == result.box.shape
    return box


def looks_at_all(model):
    return sum(wanted.shape == (FOV, FOV, FOV) for _, wanted in model.calls)


def lost(result, labels):
    """Voxels of structures that are not kept as what they are."""
    box = in_head(result, labels)
    kept = np.zeros_like(labels)
    inside = box.clipped(Box.of_shape(labels.shape))
    kept[inside.slices] = result.posteriors.data.argmax(-1)[inside.seen_from(box).slices]
    return np.count_nonzero(kept != labels)


@pytest.fixture(scope="module")
def right():
    return predicted(LABELS, RAS2MNI)


def test_a_right_guess_needs_one_look(right):
    result, model = right
    assert len(model.calls) == 1
    assert in_head(result, LABELS) == extent_of(LABELS).grown(MARGIN_VOXELS)
    assert lost(result, LABELS) == 0
    assert not result.whole
    assert not result.beyond
    (block, wanted), *_ = model.calls
    assert wanted.holds(in_head(result, LABELS))
    assert block.holds(wanted.grown(REACH - 2))
    assert "verified" in result.notes[-1]


def test_a_block_begins_where_the_published_box_does_modulo_4():
    for shape in (SHAPE, (131, 133, 130), (100, 133, 171)):
        labels = labels_about(CENTRE, shape)
        head = head_with(labels)
        first = np.array(conform(head, FOV).image.low)  # where the image begins in the network's box
        _, model = predicted(labels, RAS2MNI)
        for block, _ in model.calls:
            assert not ((np.array(block.low) + first) % FOV_MULTIPLE).any()


DIRECTIONS = [tuple(sign * row) for row in np.eye(3, dtype=int) for sign in (1, -1)]
SHIFTS = {f"{mm} mm {d}": {"shift": np.multiply(mm, d)} for mm in (8, 15, 30) for d in DIRECTIONS}
TURNS = {f"turned {n} about {a}": {"turn": np.multiply(n, np.eye(3)[a])} for n in (15, -40, 90, 180) for a in range(3)}
TURNS["mirrored"] = {"turn": (180, 0, 0), "scale": -1}
SCALES = {f"scaled by {s}": {"scale": s} for s in (0.01, 0.3, 0.6, 0.8, 1.2, 1.6, 4, 1000)}
MIXED = {
    "turned and shifted": {"turn": (20, 0, -25), "shift": (9, -6, 12)},
    "turned, smaller and shifted": {"turn": (0, 35, 15), "shift": (-10, 10, 3), "scale": 0.75},
    "turned about the edge": {"turn": (0, 0, 30), "about": (0, 0, 0)},
    "at the edge of the field of view": {"shift": (-55, 0, 0)},
    "in the corner": {"shift": (60, 55, -58)},
    "outside the image": {"shift": (0, 400, 0)},
    "far outside": {"shift": (1e7, 0, -1e7)},
}


@pytest.mark.parametrize("error", [*SHIFTS.values(), *MIXED.values()], ids=[*SHIFTS, *MIXED])
def test_a_wrong_guess_keeps_what_a_right_one_keeps(error, right):
    result, model = predicted(LABELS, off(**error))
    assert lost(result, LABELS) == 0
    assert result.box == right[0].box or (result.whole and "kept it" in result.notes[-1])
    if not result.whole:
        assert np.array_equal(result.posteriors.data, right[0].posteriors.data)
        assert result.posteriors.grid.matches(right[0].posteriors.grid)
    assert len(model.calls) <= 4
    # Without a turn or a scale the structures are told from where they are to each other.
    if set(error) == {"shift"}:
        assert result.box == right[0].box


@pytest.mark.parametrize("error", [*TURNS.values(), *SCALES.values()], ids=[*TURNS, *SCALES])
def test_a_turned_or_stretched_guess_loses_nothing(error, right):
    result, _ = predicted(LABELS, off(**error))
    assert lost(result, LABELS) == 0
    assert in_head(result, LABELS).holds(in_head(right[0], LABELS))


def test_a_guess_that_is_a_little_wrong_still_needs_no_whole_field_of_view():
    for error in (*DIRECTIONS, (1, -1, 1)):
        _, model = predicted(LABELS, off(shift=error))
        assert len(model.calls) == 1
    for error in ({"shift": (3, -3, 3)}, {"turn": (6, -6, 6)}, {"scale": 0.93}, {"scale": 1.07}):
        _, model = predicted(LABELS, off(**error))
        assert len(model.calls) <= 2
        assert not looks_at_all(model)


@pytest.mark.parametrize("seed", range(8))
def test_any_wrong_guess_loses_nothing(seed, right):
    """Guesses that are wrong in every way at once, of structures that lie anywhere and are of any size."""
    random = np.random.default_rng(seed)
    for _ in range(4):
        stretch = np.diag([*np.exp(random.normal(0, 0.25, 3)), 1])
        guess = stretch @ off(random.normal(0, 12, 3), random.normal(0, 30, 3), np.exp(random.normal(0, 0.2)))
        result, _ = predicted(LABELS, guess)
        assert lost(result, LABELS) == 0, result.notes
        assert result.whole or in_head(result, LABELS).holds(in_head(right[0], LABELS))


def test_the_second_guess_is_used_when_the_first_fails(right):
    asked = []

    def guesses():
        for name, guess in (("wrong", off(shift=(0, 60, 0))), ("right", RAS2MNI), ("never", None)):
            asked.append(name)
            yield name, guess

    model = KnownLabels(Volume(LABELS, grid_of()))
    result = predict_locally(conform(head_with(LABELS), FOV), model, PLACE, guesses)
    assert asked == ["wrong", "right"]
    assert result.box == right[0].box
    assert not looks_at_all(model)
    assert [note for note in result.notes if note.startswith("box placed")] == [
        "box placed by wrong: given up",
        "box placed by right: verified",
    ]


def test_no_guess_and_no_place_mean_the_whole_field_of_view():
    for guesses, place in (((), PLACE), ((RAS2MNI,), None)):
        result, model = predicted(LABELS, *guesses, prior=place)
        assert len(model.calls) == looks_at_all(model) == 1
        assert result.whole
        assert result.posteriors.data.shape[:3] == (FOV,) * 3
        assert lost(result, LABELS) == 0


def test_a_lost_structure_is_looked_for():
    """Its place is kept, and the whole field of view was looked at: it is not elsewhere."""
    for label in range(1, len(COLORS)):
        labels = np.where(label == LABELS, 0, LABELS)
        result, model = predicted(labels, RAS2MNI)
        assert lost(result, labels) == 0
        assert looks_at_all(model) == 1
        where = in_head(result, labels)
        assert where.holds(extent_of(label == LABELS))
        assert where.holds(extent_of(labels).grown(MARGIN_VOXELS))


def test_a_structure_that_is_elsewhere_is_kept():
    """No place tells of it: not where the others let expect it, but the only one of its label."""
    for shift in (25, -25, 40):
        labels = np.where(LABELS == 5, 0, LABELS)
        labels[np.roll(LABELS == 5, shift, 1)] = 5
        result, _ = predicted(labels, RAS2MNI)
        assert lost(result, labels) == 0
        assert result.whole


def test_a_structure_of_which_a_crumb_is_in_place_is_kept():
    """The box shows all five labels; of one it shows a crumb, most of it lies elsewhere."""
    labels = np.where(LABELS == 2, 0, LABELS)
    labels[np.roll(LABELS == 2, 40, 1)] = 2
    labels[np.nonzero(LABELS == 2)[0][0], CENTRE[1] + 2, CENTRE[2] - 1] = 2
    result, model = predicted(labels, RAS2MNI)
    assert looks_at_all(model) == 1
    assert lost(result, labels) == 0


def pair(apart=22):
    """Two structures, and nothing that would tell how they lie to each other."""
    labels = np.zeros(SHAPE, np.int32)
    for label, side in ((1, -apart), (2, apart)):
        labels[np.roll(LABELS == 1, (12 + side, 0), (0, 1))] = label
    return labels


@pytest.mark.parametrize(
    "error", [{"turn": (0, 0, 90)}, {"scale": 0.4}, {"turn": (0, 60, 0), "shift": (20, 0, 0)}], ids=str
)
def test_one_of_two_does_not_vouch_for_the_other(error):
    labels = pair()
    table = ColorTable(COLORS.structures[:3])
    result, _ = predicted(labels, off(**error), prior=measure_prior(labels, table, RAS2MNI, grid_of()))
    assert lost(result, labels) == 0


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("error", [{}, {"shift": (15, 0, 0)}, {"shift": (-30, 0, 0)}, {"turn": (0, 0, 60)}], ids=str)
def test_one_side_of_a_structure_does_not_pass_for_both(error, count):
    """Labels that name both sides alike: halves of all lie to each other as the wholes do."""
    labels = np.zeros(SHAPE, np.int32)
    for label in range(1, count + 1):
        labels[np.roll(pair() > 0, 9 * (label - 1), 1)] = label
    table = ColorTable(COLORS.structures[: count + 1])
    result, _ = predicted(labels, off(**error), prior=measure_prior(labels, table, RAS2MNI, grid_of()))
    assert lost(result, labels) == 0


def with_island(at, size=3):
    labels = LABELS.copy()
    labels[tuple(slice(n, n + size) for n in at)] = 4
    return labels


def test_islands_far_away_are_dropped_in_a_box_and_kept_by_the_whole_field_of_view():
    labels = with_island((20, 110, 100))
    for guess in (RAS2MNI, off(shift=(12, 0, 0)), off(shift=(0, -60, 0))):
        result, _ = predicted(labels, guess)
        assert in_head(result, labels) == extent_of(LABELS).grown(MARGIN_VOXELS)
        assert lost(result, labels) == 27
    head = head_with(labels)
    whole = whole_field_of_view(conform(head, FOV), KnownLabels(Volume(labels, head.grid)))
    assert whole.whole
    assert lost(whole, labels) == 0


def test_labels_near_the_structures_are_theirs_whichever_way_they_are_found():
    extent = extent_of(LABELS)
    for gap, theirs in ((1, True), (MARGIN_VOXELS - 1, True), (MARGIN_VOXELS + 1, False), (9, False)):
        labels = with_island((extent.high[0] + gap, CENTRE[1], CENTRE[2]))
        for guess in (
            RAS2MNI,
            off(shift=(10, 0, 0)),
            off(shift=(-10, 0, 0)),
            off(shift=(0, -60, 0)),
            off(turn=(0, 0, 20)),
        ):
            result, _ = predicted(labels, guess)
            assert in_head(result, labels).high[0] == extent.high[0] + MARGIN_VOXELS + (gap + 3) * theirs, (
                gap,
                result.notes,
            )


def test_islands_that_are_many_do_not_move_the_structures(right):
    """False labels of the same kinds in a corner, less than the structures: the box stays where most of each is."""
    labels = LABELS.copy()
    rows = [(8, 8, 8), (8, 14, 8), (8, 20, 8), (8, 26, 8), (8, 32, 8)]
    for label, at in enumerate(rows, 1):
        labels[tuple(slice(n, n + 2) for n in at)] = label
    for guess in (RAS2MNI, off(shift=(0, 60, 0))):
        result, _ = predicted(labels, guess)
        assert result.box == right[0].box


def test_a_model_that_labels_the_whole_head_is_looked_at_as_a_whole():
    labels = np.ones(SHAPE, np.int32)
    labels[:, :60] = 2
    labels[:, :, :50] = 3
    result, model = predicted(labels, RAS2MNI)
    assert looks_at_all(model) == 1
    assert result.box == Box.of_shape((FOV,) * 3)
    labels = np.where(labels == 3, 0, labels)
    huge = measure_prior(labels, ColorTable(COLORS.structures[:3]), RAS2MNI, grid_of())
    result, model = predicted(labels, RAS2MNI, prior=huge)
    assert (len(model.calls), looks_at_all(model)) == (1, 1), "no box is tried that would be no gain"
    assert result.box == Box((0, 0, 50 - MARGIN_VOXELS), (FOV,) * 3)


def test_an_image_without_labels():
    result, model = predicted(np.zeros(SHAPE, np.int32), RAS2MNI, off(shift=(9, 9, 9)))
    assert result.whole
    assert len(model.calls) == 3


LONG = (132, 136, 200)
"""The network's box is 128 voxels from voxel 36 to 164 along the last axis."""


@pytest.mark.parametrize("guess", [{}, {"shift": (0, 0, 9)}, {"shift": (0, 0, -9)}, {"shift": (0, 0, -14)}], ids=str)
@pytest.mark.parametrize("height", [43, 40, 30, 164, 170])
def test_structures_at_the_face_of_the_networks_box_are_complete(height, guess):
    """The image goes on there; the published tool cuts what lies beyond."""
    labels = labels_about((66, 72, height), LONG)
    result, model = predicted(labels, off(**guess, about=(66, 72, height)) @ moved_up(CENTRE[2] - height))
    assert result.beyond
    assert lost(result, labels) == 0
    assert in_head(result, labels) == extent_of(labels).grown(MARGIN_VOXELS)
    assert looks_at_all(model) <= 1


def moved_up(by):
    shift = np.eye(4)
    shift[2, 3] = by
    return shift


@pytest.mark.parametrize("guess", [{}, {"shift": (0, 0, 9)}, {"shift": (0, 0, -9)}], ids=str)
def test_structures_that_keep_clear_of_the_face_are_not_looked_at_beyond(guess):
    height = 36 + EDGE_MM + 11
    labels = labels_about((66, 72, height), LONG)
    assert extent_of(labels).low[2] == 36 + EDGE_MM
    result, model = predicted(labels, off(**guess, about=(66, 72, height)) @ moved_up(CENTRE[2] - height))
    assert not result.beyond
    assert lost(result, labels) == 0
    block, _ = model.calls[-1]
    assert block.low[2] == 36, "posteriors are those of the published box, which ends here"


def test_structures_cut_by_the_image_are_no_reason_to_look_beyond():
    labels = labels_about((66, 72, 5))
    result, _ = predicted(labels, RAS2MNI @ moved_up(CENTRE[2] - 5))
    assert not result.beyond
    assert lost(result, labels) == 0


def test_an_average_over_starts(right):
    shifts = (UNSHIFTED, (1, 1, 1), (2, 2, 2), (3, 0, 1))

    @dataclass
    class ByStart(KnownLabels):
        """Says how its block begins, in the posterior of the background."""

        def predict(self, conformed, wanted=None):
            posteriors = super().predict(conformed, wanted)
            phase = self.calls[-1][0].low[0] % FOV_MULTIPLE
            return replace(posteriors, data=posteriors.data + np.float32(0.01 * phase) * (np.arange(len(COLORS)) == 0))

    head = head_with(LABELS)
    model = ByStart(Volume(LABELS, head.grid))
    conformed = conform(head, FOV)
    first = np.array(conformed.image.low)
    result = predict_locally(conformed, model, PLACE, lambda: iter([("right", RAS2MNI)]), shifts)
    assert result.box == right[0].box
    starts = [tuple((np.array(block.low) + first) % FOV_MULTIPLE) for block, _ in model.calls]
    assert starts == [tuple(shift) for shift in shifts]
    for block, wanted in model.calls[1:]:
        assert wanted.holds(in_head(result, LABELS))
        assert block.holds(wanted.grown(REACH))
    assert len({wanted.shape for _, wanted in model.calls[1:]}) == 1, "one network serves all starts"
    phases = [block.low[0] % FOV_MULTIPLE for block, _ in model.calls]
    expected = right[0].posteriors.data + np.float32(0.01 * np.mean(phases)) * (np.arange(len(COLORS)) == 0)
    assert np.abs(result.posteriors.data - expected).max() < 1e-6
    assert "averaged over 4 starts" in result.notes[-1]


def test_an_average_of_the_whole_field_of_view():
    result, model = predicted(LABELS, prior=None, shifts=(UNSHIFTED, (2, 2, 2)))
    assert len(model.calls) == 2
    assert result.posteriors.data.shape[:3] == (FOV,) * 3
    assert lost(result, LABELS) == 0


@pytest.fixture(scope="module")
def random_predictor(tmp_path_factory):
    from fs_sclimbic.network.predictor import NetworkPredictor

    spec = make_model(tmp_path_factory.mktemp("random"))
    weights = random_weights(len(TWO_BALLS), 2, np.random.default_rng(3))
    return NetworkPredictor(replace(spec, fov=64), threads=1, engine="openvino", weights=weights)


@pytest.mark.parametrize("shape", [(70, 64, 51), (64, 80, 63)])
def test_a_box_has_the_posteriors_of_the_whole_field_of_view(random_predictor, shape):
    """With a network: image larger and smaller than its box, boxes anywhere in it."""
    random = np.random.default_rng(4)
    conformed = conform(Volume(random.random(shape, np.float32), grid_of(shape)), 64)
    whole = whole_field_of_view(conformed, random_predictor).posteriors
    assert whole.data.std() > 0.05
    for low, size in (
        ((20, 21, 22), (13, 14, 9)),
        ((0, 30, 3), (9, 4, 6)),
        ((55, 50, 61), (9, 14, 3)),
        ((1, 2, 3), (62, 6, 4)),
    ):
        box = Box(low, tuple(np.add(low, size).tolist()))
        found = predict_box(conformed, random_predictor, box, conformed.box)
        assert np.abs(found.data - whole.data[box.slices]).max() < 1e-5
        assert found.grid.matches(shift_grid(whole.grid, box.low, box.shape))


def test_beyond_its_box_the_network_sees_the_image(random_predictor):
    """As if the box were larger: what is seen without a domain is what a field of view of 128 mm gives."""
    conformed = conform(Volume(np.random.default_rng(4).random((60, 60, 96), np.float32), grid_of((60, 60, 96))), 64)
    larger = conform(conformed.t1, 128)
    box = Box((30, 28, -9), (36, 33, 4))
    assert conformed.goes_on.tolist() == [False, False, True]
    found = predict_box(conformed, random_predictor, box, None)
    expected = predict_box(larger, random_predictor, box.moved((32, 32, 32)), larger.box)
    assert np.abs(found.data - expected.data).max() < 1e-5
    inside = Box((30, 28, 0), (36, 33, 4))
    cut = predict_box(conformed, random_predictor, inside, conformed.box)
    assert np.abs(cut.data - found.data[:, :, 9:]).max() > 1e-3


def test_a_head_in_a_box_is_measured_as_in_the_whole_field_of_view(tmp_path):
    """From the image to the numbers, with the network that labels by intensity."""
    from fs_sclimbic.network.predictor import NetworkPredictor
    from tests.conftest import CENTER, grid_about, synthetic_head

    head = synthetic_head(grid_about(CENTER + [4, -9, 6], (130, 128, 132), np.eye(3), (1, 1, 1)))
    head.data[-2:] = 70  # two balls alone do not fill the range of intensities
    spec = replace(make_model(tmp_path), fov=FOV)
    model = NetworkPredictor(spec, threads=1, engine="openvino")
    options = Options(exclude=frozenset())
    whole = segment(head, model, replace(options, full_fov=True))
    conformed = conform(head, FOV)
    winner = model.predict(conformed.block(conformed.box)).data.argmax(-1)
    model.spec = replace(spec, prior=measure_prior(winner, TWO_BALLS, RAS2MNI, conformed.grid))
    for guess in (RAS2MNI, off(shift=(8, -9, 7)), off(shift=(0, 30, 0))):
        boxed = segment(head, model, options, ras2mni=guess)
        assert [row.n_voxels for row in boxed.stats.structures] == [row.n_voxels for row in whole.stats.structures]
        for one, other in zip(boxed.stats.structures, whole.stats.structures, strict=True):
            assert one.volume_mm3 == pytest.approx(other.volume_mm3, rel=1e-5)
            assert one.volume_mm3 == pytest.approx(BALL_VOLUME_MM3, rel=0.06)
        assert np.array_equal(boxed.labels.data, whole.labels.data)
        assert boxed.posteriors.grid.matches(whole.posteriors.grid)
        assert np.abs(boxed.posteriors.data - whole.posteriors.data).max() < 1e-5


def test_an_expectation_follows_the_guess():
    """The errors of these tests are what they say."""
    here, there = (expect(PLACE, guess, grid_of()).centre for guess in (RAS2MNI, off(shift=(8, 0, -3))))
    assert np.allclose(there - here, [8, 0, -3])

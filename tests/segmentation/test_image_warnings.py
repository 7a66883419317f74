"""What a reader is told of an image, and of structures near an edge."""

from dataclasses import dataclass, replace

import numpy as np

from fs_sclimbic.image.box import Box
from fs_sclimbic.image.volume import Volume
from fs_sclimbic.segmentation.options import Options
from fs_sclimbic.segmentation.segment import segment
from tests.conftest import CENTER, grid_about, synthetic_head

ANY_VOXEL = Options(conform=True, exclude=frozenset())


def test_warnings_say_what_a_reader_should_know(head, predictor):
    (saturated,) = segment(head, predictor).warnings  # the white ball of this head has one value
    assert "saturated" in saturated
    unknown = Volume(head.data, replace(head.grid, oriented=False))
    assert "left and right" in segment(unknown, predictor).warnings[0]
    hot = head.data.copy()
    hot[5, 5, 5] = 850
    inside = FixedAnswer(predictor.spec, (slice(20, 25),) * 3)
    assert any("--percentile" in warning for warning in segment(Volume(hot, head.grid), inside).warnings)
    coarse = synthetic_head(grid_about(CENTER, (32, 32, 32), np.eye(3), (1.8, 1.8, 1.8)))
    assert any("1.8 mm" in warning for warning in segment(coarse, predictor, ANY_VOXEL).warnings)


def test_a_segmentation_instead_of_a_t1_is_told_and_flagged_once(head, predictor):
    blocks = np.kron(np.arange(8).reshape(2, 2, 2), np.ones((30, 28, 25), np.int16))
    found = segment(Volume(blocks, head.grid), predictor)
    assert sum("aseg.mgz" in warning for warning in found.warnings) == 1
    assert [flag.severity for flag in found.flags if flag.kind == "LABELS"] == ["bad"]


@dataclass
class FixedAnswer:
    """A predictor that finds one ball's worth of label 26 wherever it is told."""

    spec: object
    where: tuple

    def predict(self, conformed, wanted=None):
        assert wanted is None or wanted == Box.of_shape(conformed.data.shape)
        posteriors = np.zeros((*conformed.data.shape, 3), np.float32)
        posteriors[..., 0] = 1
        posteriors[(*self.where, slice(None))] = [0.1, 0.9, 0]
        return Volume(posteriors, conformed.grid)


def test_structures_at_the_edge_of_the_box_are_told(predictor):
    long_neck = synthetic_head(grid_about(CENTER, (46, 46, 90), np.eye(3), (1, 1, 1)))
    inside, at_top = (slice(20, 25),) * 3, (slice(20, 25), slice(20, 25), slice(43, 47))
    assert not [w for w in segment(long_neck, FixedAnswer(predictor.spec, inside)).warnings if "edge" in w]
    assert [
        w
        for w in segment(long_neck, FixedAnswer(predictor.spec, at_top)).warnings
        if "edge" in w and "(top-bottom)" in w
    ]
    # The image itself ends there, inside the box: it has cut the ball.
    short = synthetic_head(grid_about(CENTER, (46, 46, 46), np.eye(3), (1, 1, 1)))
    assert [
        w for w in segment(short, FixedAnswer(predictor.spec, at_top)).warnings if "edge of the image (top-bottom)" in w
    ]
    assert not [w for w in segment(short, FixedAnswer(predictor.spec, inside)).warnings if "edge" in w]


def test_an_island_at_an_edge_cuts_nothing(predictor):
    """--full-fov keeps it, and its edge says nothing of the structures."""
    long_neck = synthetic_head(grid_about(CENTER, (46, 46, 90), np.eye(3), (1, 1, 1)))
    ball, island = (slice(16, 32),) * 3, (slice(20, 22), slice(20, 22), slice(45, 47))

    @dataclass
    class WithIsland(FixedAnswer):
        def predict(self, conformed, wanted=None):
            found = super().predict(conformed, wanted)
            found.data[(*island, slice(None))] = [0.1, 0.9, 0]
            return found

    warnings = segment(long_neck, WithIsland(predictor.spec, ball), Options(full_fov=True)).warnings
    assert not [warning for warning in warnings if "edge" in warning]
    cut = (slice(16, 32), slice(16, 32), slice(30, 47))
    warnings = segment(long_neck, WithIsland(predictor.spec, cut), Options(full_fov=True)).warnings
    assert [warning for warning in warnings if "may be cut" in warning]

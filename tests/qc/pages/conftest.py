"""A small study: heads with four structures, finished, one of them flagged, one bad, one unreadable."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fs_sclimbic.image.volume import Volume, write_volume
from fs_sclimbic.qc.finished_case import FinishedCase
from fs_sclimbic.qc.pages.build import PageOptions
from fs_sclimbic.qc.pages.site_groups import SiteGroups
from fs_sclimbic.segmentation.flag import CaseVerdict, Flag
from fs_sclimbic.segmentation.measure import measure
from fs_sclimbic.segmentation.population import Norm
from tests.heads import FOUR, labelled_head

STRANGE_NAME = '<b>x"'
POPULATION = {structure.name: Norm(900.0, 150.0) for structure in FOUR.foreground}
LOOK = Flag(
    kind="ASYMMETRY", severity="look", reason="right ball is 103 mm^3 against 374 on the left", structure="Right-Ball"
)
BAD = Flag(kind="EMPTY", severity="bad", reason="rod is empty", structure="Rod")


def draw_gray(case, t1, labels) -> bytes:
    """Stands for the picture of a case."""
    content = io.BytesIO()
    Image.new("RGB", (60, 30), (80, 80, 80)).save(content, "WEBP")
    return content.getvalue()


def make_case(folder, name, seed, flags=(), with_posteriors=True) -> FinishedCase:
    """Write the files of a finished case."""
    t1, truth = labelled_head(seed)
    posteriors = np.stack([truth.data == structure.index for structure in FOUR], -1) * np.float32(0.75)
    winner = sum((truth.data == structure.index) * channel for channel, structure in enumerate(FOUR))
    stats = measure(Volume(posteriors, truth.grid), winner, FOUR, etiv_mm3=1.4e6 + 1e4 * seed)
    home = folder / f"case{seed}"
    write_volume(t1, home.with_suffix(".T1.nii.gz"))
    write_volume(truth, home.with_suffix(".seg.nii.gz"))
    if with_posteriors:
        write_volume(Volume(posteriors, truth.grid), home.with_suffix(".post.nii.gz"))
    return FinishedCase(
        name=name,
        segmentation=home.with_suffix(".seg.nii.gz"),
        t1=home.with_suffix(".T1.nii.gz"),
        posteriors=home.with_suffix(".post.nii.gz") if with_posteriors else None,
        stats=stats,
        colors=FOUR,
        provenance={"Weights": "tiny.h5 SHA-256 0123456789abcdef (given)", "user": "somebody", "Region": "whole"},
        verdict=CaseVerdict(case=name, flags=tuple(flags)),
    )


@pytest.fixture(scope="session")
def finished_cases(tmp_path_factory) -> list[FinishedCase]:
    """Five cases: two good ones, one to look at, one bad, one that cannot be read."""
    folder = tmp_path_factory.mktemp("finished")
    cases = [
        make_case(folder, "sub-01", 1),
        make_case(folder, "sub-02", 2, [LOOK]),
        make_case(folder, "sub-03", 3, [LOOK, BAD], with_posteriors=False),
        make_case(folder, "sub-04", 4),
    ]
    failed = replace(
        cases[0],
        name=STRANGE_NAME,
        stats=replace(cases[0].stats, structures=(), etiv_mm3=None),
        problem="case5.seg.nii.gz: image is cut off or damaged",
        verdict=CaseVerdict(case=STRANGE_NAME),
    )
    return [*cases, failed]


@pytest.fixture(scope="session")
def page_options(tmp_path_factory) -> PageOptions:
    """Two sites, and norms of the four structures."""
    sites = SiteGroups(name="site <b>", groups={"sub-01": "Bern", "sub-02": "Bern", "sub-03": "Kyiv", "sub-04": "Kyiv"})
    return PageOptions(title="A <study>", source=tmp_path_factory.mktemp("source"), groups=sites, population=POPULATION)

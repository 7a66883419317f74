"""The picture of a case as pages show it."""

import io

from PIL import Image

from fs_sclimbic.image.volume import read_volume
from fs_sclimbic.qc.pages.case_picture import draw_case_picture


def test_it_is_a_webp_also_without_a_t1(finished_cases):
    case = finished_cases[0]
    t1, labels = read_volume(case.t1), read_volume(case.segmentation)
    for head in (t1, None):
        picture = Image.open(io.BytesIO(draw_case_picture(case, head, labels)))
        assert picture.format == "WEBP"
        assert picture.width > 400

"""The picture file of a case is a small WebP."""

import io

from PIL import Image

from fs_sclimbic.cases.case_picture import PictureContent
from fs_sclimbic.qc.case_picture import encode_case_picture
from fs_sclimbic.segmentation.measure import SegStats
from tests.heads import FOUR, RAS2MNI, labelled_head


def test_a_case_is_a_small_webp():
    t1, labels = labelled_head(3)
    content = encode_case_picture(
        PictureContent(title="sub-01", t1=t1, labels=labels, colors=FOUR, stats=SegStats((), 1.0), ras2mni=RAS2MNI)
    )
    assert Image.open(io.BytesIO(content)).format == "WEBP"
    assert len(content) < 150_000

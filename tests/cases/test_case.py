"""What both kinds of cases have in common."""

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import folder_cases, image_case
from fs_sclimbic.cases.subjects import subject_case

FROM_IMAGE = Requests(volumes=True, etiv_from_image=True)


def test_etiv_from_the_image_asks_for_its_transform(subjects_dir, tmp_path):
    bert = subject_case(subjects_dir, "bert", FROM_IMAGE, base="entowm")
    assert bert.etiv_from_image
    assert bert.transforms == ()
    transforms = subjects_dir / "bert/mri/transforms"
    assert (bert.outputs.xfm, bert.outputs.lta) == (
        transforms / "entowm.talairach.xfm",
        transforms / "entowm.talairach.lta",
    )
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.nii.gz").touch()
    image = image_case(tmp_path / "in/a.nii.gz", tmp_path / "out/seg.mgz", FROM_IMAGE)
    (case,) = folder_cases(tmp_path / "in", tmp_path / "out", FROM_IMAGE)
    for outputs, name in ((image.outputs, "seg"), (case.outputs, "a.sclimbic")):
        assert {outputs.xfm.name, outputs.lta.name} == {f"{name}.talairach.xfm", f"{name}.talairach.lta"}
        assert outputs.xfm in outputs.products()
        assert outputs.products()[-1] == outputs.stats, "which comes last"

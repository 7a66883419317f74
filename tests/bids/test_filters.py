import json

import pytest

from fs_sclimbic.bids.filters import read_filter_file
from fs_sclimbic.errors import UsageError
from tests.datasets import images_of, t1


@pytest.fixture
def fitting(tmp_path):
    files = [
        t1("sub-01", "ses-1"), t1("sub-01", "ses-2", "acq-a", "run-01"), t1("sub-01", "ses-2", "acq-b", "run-2"),
        t1("sub-02", ending=".nii"),
    ]  # fmt: skip
    found = images_of(tmp_path / "study", *files)

    def names(**part):
        path = tmp_path / "filter.json"
        path.write_text(json.dumps({"bold": {"task": "rest"}, "t1w": part}))
        images = read_filter_file(path)
        return [files.index(image.source) for image in found.images if images.fits(image)]

    return names


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"datatype": "anat", "suffix": "T1w", "extension": [".nii.gz", "nii"]}, [0, 1, 2, 3]),
        ({"session": "2"}, [1, 2]),
        ({"session": "ses-2", "acquisition": "a"}, [1]),
        ({"ses": ["1", "2"]}, [0, 1, 2]),
        ({"session": None}, [3]),
        ({"session": "Query.NONE"}, [3]),
        ({"acquisition": "<Query.ANY: 2>"}, [1, 2]),
        ({"acquisition": "Query.OPTIONAL"}, [0, 1, 2, 3]),
        ({"run": 1}, [1]),
        ({"run": [1, 2]}, [1, 2]),
        ({"extension": ".nii"}, [3]),
        ({"subject": "02"}, [3]),
        ({"reconstruction": "norm"}, []),
    ],
)
def test_which_images_fit(fitting, part, expected):
    assert fitting(**part) == expected


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"suffix": "T2w"}, "only T1w images"),
        ({"datatype": "func"}, "only anat images"),
        ({"visit": "1"}, "'visit' is no entity of BIDS"),
        ({"session": True}, "session: expected a label, a list of labels or null, found True"),
        ({"session": {"a": 1}}, "expected a label"),
        ({"session": "Query.SOME"}, "'Query.SOME' is not known"),
    ],
)
def test_what_a_filter_cannot_say(fitting, part, message):
    with pytest.raises(UsageError, match=message):
        fitting(**part)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ('{"session": "1"}', "expected .* found 'session'"),
        ("[1]", "found list"),
        ('{"t1w": "1"}', "found 't1w'"),
    ],
)
def test_what_is_no_filter_file(tmp_path, text, message):
    (tmp_path / "f.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_filter_file(tmp_path / "f.json")
    with pytest.raises(UsageError, match="cannot be read"):
        read_filter_file(tmp_path / "missing.json")

"""A small table of participants, and designs made of it."""

import pytest

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.fsgd_make import design_from_table
from fs_sclimbic.group.design.participants import DesignRequest

HEADER = "participant_id\tsex\tdiagnosis\tage\tiq\n"
ROWS = [
    "sub-01\tF\tPatient\t20.5\t100\n",
    "sub-02\tM\tControl\t31\t90\n",
    "sub-03\tF\tControl\t42\t120\n",
    "sub-04\tM\tPatient\t55\t101\n",
    "sub-05\tF\tPatient\t63\t99\n",
    "sub-06\tM\tControl\t70\t115\n",
]
WANTED = DesignRequest("participant_id", ("diagnosis",), ("age",))


def made(path, **more):
    return design_from_table(path, DesignRequest(**{**WANTED.__dict__, **more}))


def refused(path, **more):
    with pytest.raises(DesignError) as caught:
        made(path, **more)
    return str(caught.value).split("\n")

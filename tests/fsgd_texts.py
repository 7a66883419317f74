"""A sound FSGD as text, and what is said of others."""

import pytest

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.fsgd import parse_fsgd

HEAD = "GroupDescriptorFile 1\nTitle my title\nClass A\nClass B\nVariables Age IQ\n"
INPUTS = [
    f"Input s{i} {'AB'[i % 2]} {age} {iq}\n"
    for i, (age, iq) in enumerate([(20, 100), (31, 90), (42, 120), (55, 101), (63, 99), (70, 115), (33, 104), (44, 95)])
]
GOOD = HEAD + "".join(INPUTS)


def refused(text, **more):
    with pytest.raises(DesignError) as caught:
        parse_fsgd(text, "f", **more)
    return str(caught.value).splitlines()


def warned(text, **more):
    return list(parse_fsgd(text, "f", **more)[1])

"""Designs of two classes made by hand."""

import numpy as np

from fs_sclimbic.group.design.design import Design, GroupClass


def make(class_of, values, names=("A", "B"), variables=None, **more):
    values = np.array(values, float).reshape(len(class_of), -1)
    return Design(
        "study",
        tuple(f"s{i}" for i in range(len(class_of))),
        tuple(GroupClass(name) for name in names),
        tuple(class_of),
        tuple(variables or [f"v{i}" for i in range(values.shape[1])]),
        values,
        **more,
    )


TWO = (0, 1, 0, 1, 0, 1)
AGE_IQ = [[20, 100], [31, 90], [42, 120], [55, 101], [63, 99], [70, 115]]

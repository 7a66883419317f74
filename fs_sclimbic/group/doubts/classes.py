"""The classes of a study, also where no FSGD names them."""

import numpy as np

from ..design.design import Design, GroupClass
from ..fit.study import Study


def classes_of(study: Study) -> Design | None:
    """The design of a study; of a formula or a matrix one that has the classes alone.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Design or None
        Where no FSGD gives one: with a class for each of the first columns, if these are indicators that hold every
        subject once. None where there are none, or one.
    """
    if study.design is not None:
        return study.design
    is_indicator = np.asarray(np.all(np.isin(study.matrix, (0, 1)), axis=0), bool)
    count = int(np.argmin(is_indicator)) if not is_indicator.all() else len(is_indicator)
    for width in range(2, count + 1):
        indicators = study.matrix[:, :width]
        if (indicators.sum(axis=1) == 1).all() and indicators.any(axis=0).all():
            return Design(
                title="",
                subjects=study.subjects,
                classes=tuple(GroupClass(name) for name in study.columns[:width]),
                class_of=tuple(int(c) for c in indicators.argmax(axis=1)),
                variables=(),
                values=np.zeros((len(study.subjects), 0)),
                method="doss",
            )
    return None

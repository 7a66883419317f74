"""A sample head: the MNI152 average that nilearn includes."""

import numpy as np

from ..errors import UsageError
from .volume import Grid, Volume

SAMPLE_NAME = "mni152"


def sample_head() -> Volume:
    """The ICBM152 2009a symmetric T1 average, brain only, 1 mm.

    Free with attribution: Copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre, Montreal
    Neurological Institute, McGill University; Fonov et al., NeuroImage 54:313-327 (2011).

    Raises
    ------
    UsageError
        If nilearn is not installed.
    """
    try:
        from nilearn.datasets import load_mni152_template
    except ImportError as error:
        raise UsageError('the sample head comes with nilearn: python -m pip install "fs_sclimbic[demo]"') from error
    template = load_mni152_template(resolution=1)
    # The file's own range of whole numbers; nilearn scales it to a maximum of 1.
    data = np.rint(np.asarray(template.dataobj) * 255).astype(np.uint8)
    return Volume(data, Grid(data.shape, template.affine))

"""A sample head: the MNI152 average that nilearn includes."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..errors import UsageError
from .volume import Volume, read_volume

SAMPLE_NAME = "mni152"
TEMPLATE_PACKAGE = "nilearn"
TEMPLATE_FILE = Path("datasets", "data", "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
UINT8_MAX = 255


def sample_head() -> Volume:
    """The ICBM152 2009a symmetric T1 average, brain only, 1 mm.

    Free with attribution: Copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre, Montreal
    Neurological Institute, McGill University; Fonov et al., NeuroImage 54:313-327 (2011).

    Raises
    ------
    UsageError
        If nilearn is not installed.
    """
    # The file alone: importing nilearn takes seconds, opens a socket and writes a cache.
    package = find_spec(TEMPLATE_PACKAGE)
    template = Path(package.origin).parent / TEMPLATE_FILE if package and package.origin else None
    if template is None or not template.is_file():
        raise UsageError('the sample head comes with nilearn: python -m pip install "fs_sclimbic[demo]"')
    volume = read_volume(template)
    data = np.asarray(volume.data, np.float32)
    return Volume(np.rint(data / data.max() * UINT8_MAX).astype(np.uint8), volume.grid)

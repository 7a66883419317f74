"""Segment the small limbic structures below the cortex in T1-weighted MRI.

Examples
--------
>>> from fs_sclimbic import load_model, read_volume, segment
>>> t1 = read_volume("head.nii.gz")
>>> model = load_model("tiny.h5", "tiny.ctab", fov=48, features=2)
>>> result = segment(t1, model)
>>> [(row.structure.name, row.n_voxels) for row in result.stats.structures]
[('Ball', 895)]
>>> result.labels.data.shape == t1.data.shape
True
"""

import lazy_loader

# The names and their modules stand in __init__.pyi. Each module is imported when one of its names is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

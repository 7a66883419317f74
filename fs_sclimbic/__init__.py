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

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Looked up on first use: importing the package imports no heavy library.
_HOMES = {
    "segment": "segmentation",
    "Options": "segmentation",
    "Segmentation": "segmentation",
    "load_model": "nn.predictor",
    "Predictor": "framing",
    "read_volume": "volume",
    "write_volume": "volume",
    "Volume": "volume",
    "Grid": "volume",
    "read_ctab": "labels",
    "ColorTable": "labels",
    "Structure": "labels",
    "SegStats": "measure",
    "StructureStats": "measure",
    "read_stats": "stats",
    "read_transform": "xfm",
    "etiv_mm3": "etiv",
    "register": "talairach",
    "Registration": "talairach",
    "SclimbicError": "errors",
}
__all__ = [*_HOMES, "__version__"]

if TYPE_CHECKING:
    from .errors import SclimbicError as SclimbicError
    from .etiv import etiv_mm3 as etiv_mm3
    from .framing import Predictor as Predictor
    from .labels import ColorTable as ColorTable
    from .labels import Structure as Structure
    from .labels import read_ctab as read_ctab
    from .measure import SegStats as SegStats
    from .measure import StructureStats as StructureStats
    from .nn.predictor import load_model as load_model
    from .segmentation import Options as Options
    from .segmentation import Segmentation as Segmentation
    from .segmentation import segment as segment
    from .stats import read_stats as read_stats
    from .talairach import Registration as Registration
    from .talairach import register as register
    from .volume import Grid as Grid
    from .volume import Volume as Volume
    from .volume import read_volume as read_volume
    from .volume import write_volume as write_volume
    from .xfm import read_transform as read_transform


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fs_sclimbic' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"fs_sclimbic.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

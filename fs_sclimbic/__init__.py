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

from ._version import __version__ as __version__

# Looked up on first use: importing the package imports no heavy library.
_HOMES = {
    "segment": "segmentation.segment",
    "Options": "segmentation.options",
    "Segmentation": "segmentation.segment",
    "load_model": "network.predictor",
    "Predictor": "segmentation.local_prediction",
    "read_volume": "image.volume",
    "write_volume": "image.volume",
    "Volume": "image.volume",
    "Grid": "image.volume",
    "read_ctab": "image.labels",
    "ColorTable": "image.labels",
    "Structure": "image.labels",
    "SegStats": "segmentation.measure",
    "StructureStats": "segmentation.measure",
    "read_stats": "cases.stats_files",
    "read_transform": "image.transforms",
    "etiv_mm3": "registration.etiv",
    "register": "registration.talairach",
    "Registration": "registration.talairach",
    "SclimbicError": "errors",
}
__all__ = [*_HOMES, "__version__"]

if TYPE_CHECKING:
    from .cases.stats_files import read_stats as read_stats
    from .errors import SclimbicError as SclimbicError
    from .image.labels import ColorTable as ColorTable
    from .image.labels import Structure as Structure
    from .image.labels import read_ctab as read_ctab
    from .image.transforms import read_transform as read_transform
    from .image.volume import Grid as Grid
    from .image.volume import Volume as Volume
    from .image.volume import read_volume as read_volume
    from .image.volume import write_volume as write_volume
    from .network.predictor import load_model as load_model
    from .registration.etiv import etiv_mm3 as etiv_mm3
    from .registration.talairach import Registration as Registration
    from .registration.talairach import register as register
    from .segmentation.local_prediction import Predictor as Predictor
    from .segmentation.measure import SegStats as SegStats
    from .segmentation.measure import StructureStats as StructureStats
    from .segmentation.options import Options as Options
    from .segmentation.segment import Segmentation as Segmentation
    from .segmentation.segment import segment as segment


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fs_sclimbic' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"fs_sclimbic.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""A model with its weights loaded, ready for many images."""

from os import PathLike

import numpy as np

from ..model import (
    CONVOLUTIONS_PER_LEVEL,
    DEFAULT_CHANNELS,
    DEFAULT_FEATURES,
    DEFAULT_FOV_MM,
    KERNEL,
    ModelSpec,
)
from ..store import find_model
from ..volume import Volume
from ..weights import read_weights
from .backend import compiled, configure, keras
from .unet import build_unet, fill_weights, split_at_last_level

# The last level runs in slabs this thick (voxels, even): the same posteriors to the last bit, half the memory.
SLAB = 40
# A voxel of the last level depends on the maps this far away: one voxel for each of its 3x3x3 convolutions.
REACH = CONVOLUTIONS_PER_LEVEL * (KERNEL // 2)


class KerasPredictor:
    """The network under Keras, over the whole box.

    Parameters
    ----------
    spec : ModelSpec
    threads : int, optional
        Processor threads; by default the backend's own choice.
    device : str, optional
        Number of a CUDA device; by default the processor.

    Raises
    ------
    ModelError
        If the weights do not fit the network, or the device is not there.
    """

    def __init__(self, spec: ModelSpec, threads: int | None = None, device: str | None = None) -> None:
        self.spec = spec
        weights = read_weights(spec)
        configure(threads, device)
        network = build_unet(len(spec.colors), spec.features, spec.channels, fov=spec.fov)
        fill_weights(network, weights)
        before, last = split_at_last_level(network)
        self._before, self._last = compiled(before), compiled(last)

    def predict(self, conformed: Volume) -> Volume:
        """Posteriors of a conformed image; see `fs_sclimbic.Predictor`."""
        image = keras.ops.convert_to_tensor(conformed.data[np.newaxis, ..., np.newaxis], "float32")
        top, bottom = self._before(image)
        size = conformed.data.shape[0]
        posteriors = np.empty((*conformed.data.shape, len(self.spec.colors)), np.float32)
        for start in range(0, size, SLAB):
            stop = min(start + SLAB, size)
            first, end = max(start - REACH, 0), min(stop + REACH, size)
            slab = self._last(top[:, first:end], bottom[:, first // 2 : end // 2])
            posteriors[start:stop] = keras.ops.convert_to_numpy(slab)[0, start - first : stop - first]
        return Volume(posteriors, conformed.grid)


def load_model(
    weights: str | PathLike[str] | None = None,
    ctab: str | PathLike[str] | None = None,
    *,
    fov: int = DEFAULT_FOV_MM,
    features: int = DEFAULT_FEATURES,
    channels: int = DEFAULT_CHANNELS,
    threads: int | None = None,
    device: str | None = None,
) -> KerasPredictor:
    """Find a model and load its weights.

    Parameters
    ----------
    weights : path-like, optional
        A weight file (.h5); by default the published one of FreeSurfer, the user-installed one, or the shipped one.
    ctab : path-like, optional
        Its colour table, one row per output channel; by default the limbic one.
    fov, features, channels : int
        Geometry of the network: box edge in 1 mm voxels, features of the first level, input channels.
    threads : int, optional
        Processor threads; by default the backend's own choice.
    device : str, optional
        Number of a CUDA device; by default the processor.

    Returns
    -------
    KerasPredictor
        To be given to `fs_sclimbic.segment`, any number of times.

    Raises
    ------
    ModelError
        If no weights are found or they do not fit.
    """
    return KerasPredictor(find_model(weights, ctab, fov=fov, features=features, channels=channels), threads, device)

"""A model with its weights loaded, ready for many images, on the engine that suits the machine."""

import logging
import platform
from collections.abc import Callable
from importlib.util import find_spec
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..image.box import Box
from ..image.conform import shift_grid
from ..image.volume import Volume
from .receptive_field import Extents, extents_of
from .spec import (
    AUTO,
    DEFAULT_CHANNELS,
    DEFAULT_FEATURES,
    DEFAULT_FOV_MM,
    ENGINES,
    OPENVINO,
    PRECISIONS,
    TENSORFLOW,
    ModelSpec,
)
from .store import find_model
from .weights import Weights, read_weights

logger = logging.getLogger(__name__)

# Where OpenVINO has quick 3-D convolutions.
X86 = ("x86_64", "AMD64")

# What is wanted is computed in slabs of at most so many voxels' thickness: the maps of a whole box take gigabytes.
SLAB = 80

Engine = Callable[[NDArray[np.float32], Extents], NDArray[np.float32]]
"""From intensities, shape ``extents.image.shape``, to posteriors, shape ``(*extents.wanted.shape, labels)``."""


class NetworkPredictor:
    """A network with its weights.

    Parameters
    ----------
    spec : ModelSpec
    threads : int, optional
        Processor threads; by default all that the engine finds.
    device : str, optional
        Number of a CUDA device; by default the processor.
    engine : {"auto", "tensorflow", "openvino"}
        What runs the network. ``tensorflow`` is Keras, on TensorFlow unless ``KERAS_BACKEND`` says otherwise.
        ``auto`` takes the quickest: OpenVINO on x86 processors, else Keras.
    precision : {"float32", "bfloat16"}
        What the layers compute in. bfloat16 has 8 bits: quicker on processors that have it, and some labels differ.
    weights : Weights, optional
        As `read_weights` gives them for ``spec``; by default they are read.

    Raises
    ------
    ModelError
        If the weights do not fit the network, or engine, precision or device are not there.
    """

    def __init__(
        self,
        spec: ModelSpec,
        threads: int | None = None,
        device: str | None = None,
        engine: str = AUTO,
        precision: str = "float32",
        weights: Weights | None = None,
    ) -> None:
        self.spec = spec
        self.engine, self.precision = choose_engine(engine, device), precision
        if precision not in PRECISIONS:
            raise ModelError(f"precision '{precision}': expected one of {', '.join(PRECISIONS)}")
        weights = read_weights(spec) if weights is None else weights
        try:
            self._run = _load_engine(spec, weights, self.engine, threads, device, precision)
        except (ImportError, OSError, RuntimeError) as error:
            if engine != AUTO or self.engine == TENSORFLOW:
                raise
            logger.warning("OpenVINO cannot be used here (%s); TensorFlow runs the network", error)
            self.engine = TENSORFLOW
            self._run = _load_engine(spec, weights, self.engine, threads, device, precision)
        # Keras may run on another backend than TensorFlow.
        self.engine = getattr(self._run, "backend", self.engine)

    def predict(self, conformed: Volume, wanted: Box | None = None) -> Volume:
        """Posteriors of a conformed image, or of a part of it; see `segmentation.local_prediction.Predictor`."""
        image = Box.of_shape(conformed.data.shape)
        wanted = image if wanted is None else wanted
        posteriors = np.empty((*wanted.shape, len(self.spec.colors)), np.float32)
        for first in range(wanted.low[0], wanted.high[0], SLAB):
            last = min(first + SLAB, wanted.high[0])
            slab = Box((first, *wanted.low[1:]), (last, *wanted.high[1:]))
            extents = extents_of(slab, image)
            posteriors[first - wanted.low[0] : last - wanted.low[0]] = self._run(
                conformed.data[extents.image.slices], extents
            )
        return Volume(posteriors, shift_grid(conformed.grid, wanted.low, wanted.shape))


def choose_engine(engine: str = AUTO, device: str | None = None) -> str:
    """The engine that a user's word means on this machine.

    Raises
    ------
    ModelError
        If there is no such engine, it is not installed, or it does not know the device.
    """
    if engine not in ENGINES:
        raise ModelError(f"engine '{engine}': expected one of {', '.join(ENGINES)}")
    installed = find_spec(OPENVINO) is not None
    if engine == AUTO:
        return OPENVINO if installed and device is None and platform.machine() in X86 else TENSORFLOW
    if engine == OPENVINO and not installed:
        raise ModelError("engine 'openvino' is not installed; run pip install openvino, or leave --engine out")
    if engine == OPENVINO and device is not None:
        raise ModelError("--cuda-device goes with --engine tensorflow; OpenVINO runs on the processor here")
    return engine


def _load_engine(
    spec: ModelSpec, weights: Weights, engine: str, threads: int | None, device: str | None, precision: str
) -> Engine:
    # Each engine's libraries take seconds or hundreds of megabytes: only those of the one that is used.
    if engine == OPENVINO:
        from .openvino_engine import OpenvinoEngine

        return OpenvinoEngine(weights, threads, precision)
    from .keras_engine import KerasEngine

    return KerasEngine(spec, weights, threads, device, precision)


def load_model(
    weights: str | PathLike[str] | None = None,
    ctab: str | PathLike[str] | None = None,
    *,
    fov: int = DEFAULT_FOV_MM,
    features: int = DEFAULT_FEATURES,
    channels: int = DEFAULT_CHANNELS,
    threads: int | None = None,
    device: str | None = None,
    engine: str = AUTO,
    precision: str = "float32",
) -> NetworkPredictor:
    """Find a model and load its weights.

    Parameters
    ----------
    weights : path-like, optional
        A weight file (.h5); by default the published one of FreeSurfer, the user-installed one, or the shipped one.
    ctab : path-like, optional
        Its colour table, one row per output channel; by default the limbic one.
    fov, features, channels : int
        Geometry of the network: box edge in 1 mm voxels, features of the first level, input channels.
    threads, device, engine, precision
        How it is run; see `NetworkPredictor`.

    Returns
    -------
    NetworkPredictor
        To be given to `fs_sclimbic.segment`, any number of times.

    Raises
    ------
    ModelError
        If no weights are found or they do not fit.
    """
    spec = find_model(weights, ctab, fov=fov, features=features, channels=channels)
    return NetworkPredictor(spec, threads, device, engine, precision)

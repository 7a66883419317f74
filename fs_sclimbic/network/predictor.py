"""A model with its weights loaded, ready for many images, on the engine that suits the machine."""

import logging
import platform
from collections.abc import Callable
from importlib.util import find_spec
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..files.processors import processor_quota
from ..image.box import Box
from ..image.conform import shift_grid
from ..image.volume import Volume
from .libraries import start_keras
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
X86_PROCESSORS = ("x86_64", "AMD64")

# The posteriors are computed in slabs of at most this thickness: the maps of a whole box take gigabytes.
SLAB_THICKNESS_VOXELS = 80

Engine = Callable[[NDArray[np.float32], Extents], NDArray[np.float32]]
"""From intensities, shape ``extents.image.shape``, to posteriors, shape ``(*extents.wanted.shape, labels)``."""


def load_engine(
    spec: ModelSpec, weights: Weights, *, engine: str, threads: int | None, device: str | None, precision: str
) -> Engine:
    """Import the libraries of an engine, and give it the weights.

    Parameters
    ----------
    spec : ModelSpec
    weights : Weights
    engine : {"tensorflow", "openvino"}
    threads : int or None
        Processor threads; None: all that the engine finds.
    device : str or None
        Number of a CUDA device; None: the processor.
    precision : {"float32", "bfloat16"}

    Returns
    -------
    Engine

    Raises
    ------
    ModelError
        If the weights do not fit the network, or precision or device are not there.
    ImportError, OSError, RuntimeError
        If the engine's libraries cannot be loaded.
    """
    # Each engine's libraries take seconds or hundreds of megabytes: only those of the one that is used.
    if engine == OPENVINO:
        from .openvino_engine import OpenvinoEngine

        return OpenvinoEngine(weights, threads, precision)
    start_keras()
    from .keras_engine import KerasEngine

    return KerasEngine(spec, weights, threads, device, precision)


class NetworkPredictor:
    """A network with its weights.

    Parameters
    ----------
    spec : ModelSpec
    threads : int, optional
        Processor threads; by default, and for 0 or less, all that the engine finds.
    device : str, optional
        Number of a CUDA device; by default, and for a negative number, the processor.
    engine : {"auto", "tensorflow", "openvino"}
        What runs the network. ``tensorflow`` is Keras, on TensorFlow unless ``KERAS_BACKEND`` says otherwise.
        ``auto`` takes the quickest: OpenVINO on x86 processors, else Keras.
    precision : {"float32", "bfloat16"}
        What the layers compute in. bfloat16 has 8 bits: quicker on processors that have it, and some labels differ.
    weights : Weights, optional
        The weights of ``spec``, if they have been read before; by default its file is read.
    slab_thickness : int
        Voxels along the first axis that are computed at once; a multiple of 4. Less takes less memory.
    load : callable
        Gives the engine; see `load_engine`.

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
        precision: str = PRECISIONS[0],
        *,
        weights: Weights | None = None,
        slab_thickness: int = SLAB_THICKNESS_VOXELS,
        load: Callable[..., Engine] = load_engine,
    ) -> None:
        self.spec = spec
        device, threads = chosen_device(device), chosen_threads(threads)
        self.engine, self.precision = choose_engine(engine, device), precision
        if precision not in PRECISIONS:
            raise ModelError(f"precision '{precision}': expected one of {', '.join(PRECISIONS)}")
        weights = read_weights(spec) if weights is None else weights
        how = {"threads": threads, "device": device, "precision": precision}
        try:
            self._run = load(spec, weights, engine=self.engine, **how)
        except (ImportError, OSError, RuntimeError) as error:
            if engine != AUTO or self.engine == TENSORFLOW:
                raise
            logger.warning("OpenVINO cannot be used here (%s); TensorFlow runs the network", error)
            self.engine = TENSORFLOW
            self._run = load(spec, weights, engine=self.engine, **how)
        self._slab_thickness = slab_thickness
        # Keras may run on another backend than TensorFlow.
        self.engine = getattr(self._run, "backend", self.engine)

    def predict(self, conformed: Volume, wanted: Box | None = None) -> Volume:
        """Posteriors of a conformed image, or of a part of it.

        Parameters
        ----------
        conformed : Volume
            float32, 1 mm, RAS; begins at and measures multiples of 4 voxels.
        wanted : Box, optional
            Voxels whose posteriors are wanted; by default all.

        Returns
        -------
        Volume
            float32, four axes: the wanted voxels, and one frame a label.
        """
        image = Box.of_shape(conformed.data.shape)
        wanted = image if wanted is None else wanted
        posteriors = np.empty((*wanted.shape, len(self.spec.colors)), np.float32)
        for first in range(wanted.low[0], wanted.high[0], self._slab_thickness):
            last = min(first + self._slab_thickness, wanted.high[0])
            slab = Box((first, *wanted.low[1:]), (last, *wanted.high[1:]))
            extents = extents_of(slab, image)
            posteriors[first - wanted.low[0] : last - wanted.low[0]] = self._run(
                conformed.data[extents.image.slices], extents
            )
        return Volume(posteriors, shift_grid(conformed.grid, wanted.low, wanted.shape))


def chosen_threads(threads: int | None) -> int | None:
    """The number of threads; for None, and for 0 or less, the quota of the container, or None: all."""
    return threads if threads and threads > 0 else processor_quota()


def chosen_device(device: str | None) -> str | None:
    """The number of a CUDA device; None, the processor, for a negative number, as in CUDA's own variable."""
    return None if device is not None and device.startswith("-") else device


def choose_engine(
    engine: str = AUTO,
    device: str | None = None,
    *,
    processor: str | None = None,
    has_openvino: bool | None = None,
) -> str:
    """The engine that a user's word means on this machine.

    Parameters
    ----------
    engine : {"auto", "tensorflow", "openvino"}
    device : str, optional
        Number of a CUDA device; by default the processor.
    processor : str, optional
        Family of the processor; by default that of this machine.
    has_openvino : bool, optional
        Whether OpenVINO is installed; by default this is looked up.

    Returns
    -------
    {"tensorflow", "openvino"}

    Raises
    ------
    ModelError
        If there is no such engine, it is not installed, or it does not know the device.
    """
    if engine not in ENGINES:
        raise ModelError(f"engine '{engine}': expected one of {', '.join(ENGINES)}")
    installed = find_spec(OPENVINO) is not None if has_openvino is None else has_openvino
    processor = processor or platform.machine()
    device = chosen_device(device)
    if engine == AUTO:
        return OPENVINO if installed and device is None and processor in X86_PROCESSORS else TENSORFLOW
    if engine == OPENVINO and not installed:
        raise ModelError("engine 'openvino' is not installed; run pip install openvino, or leave --engine out")
    if engine == OPENVINO and device is not None:
        raise ModelError("--cuda-device goes with --engine tensorflow; OpenVINO runs on the processor here")
    return engine


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
    precision: str = PRECISIONS[0],
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
    threads : int, optional
        Processor threads; by default all that the engine finds.
    device : str, optional
        Number of a CUDA device; by default the processor.
    engine : {"auto", "tensorflow", "openvino"}
    precision : {"float32", "bfloat16"}
        See `NetworkPredictor`.

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
    return NetworkPredictor(spec, threads=threads, device=device, engine=engine, precision=precision)

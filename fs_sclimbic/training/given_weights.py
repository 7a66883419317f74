"""Weights that a training is given: those it starts from, and those of its teacher."""

from dataclasses import dataclass
from os import PathLike

from ..errors import ModelError, UsageError
from ..files.hashing import sha256_of
from ..image.labels import ColorTable, read_ctab
from ..network.architecture import LIKELIHOOD_LAYER
from ..network.spec import ModelSpec
from ..network.store import SHIPPED, find_model, is_published
from ..network.weights import Weights, read_sizes, read_weights

SHORT_SHA256_DIGITS = 12


@dataclass(frozen=True, eq=False)
class GivenWeights:
    """A weight file, read, with the table of its channels."""

    spec: ModelSpec
    weights: Weights

    @property
    def identity(self) -> str:
        """Name of the file and the first digits of its SHA-256."""
        return f"{self.spec.name} {self.spec.sha256[:SHORT_SHA256_DIGITS]}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Heritage:
    """What a training is given besides its heads."""

    start_from: GivenWeights | None = None
    """Weights to start from; by default they are random."""
    teacher: GivenWeights | None = None
    """Weights of a network that labels what the new one sees."""

    @property
    def identities(self) -> dict[str, str | None]:
        """What of it may not change when a training is resumed, by the name of the flag."""
        return {name: one.identity if one else None for name, one in self._given.items()}

    def describe(self) -> dict[str, dict[str, str] | None]:
        """For the record: file and SHA-256 of each."""
        return {
            name: {"file": one.spec.name, "sha256": one.spec.sha256} if one else None
            for name, one in self._given.items()
        }

    @property
    def _given(self) -> dict[str, GivenWeights | None]:
        return {"start_from": self.start_from, "teacher": self.teacher}


def read_given_weights(weights: str | PathLike[str], colors: ColorTable) -> GivenWeights:
    """Read a weight file together with the colour table of its channels.

    Parameters
    ----------
    weights : path-like
        A weight file, or ``published`` or ``shipped``.
    colors : ColorTable
        The table of the training. The file's channels are taken to be these, unless there is a table beside the file
        (``model.ctab`` beside ``model.h5``), or the weights are the published or the shipped ones.

    Returns
    -------
    GivenWeights

    Raises
    ------
    ModelError
        If there is no such file, or it holds no network of this family with so many channels.
    """
    spec = find_model(weights, with_prior=False)
    beside = spec.weights.with_suffix(".ctab")
    known = is_published(spec) or spec.sha256 == sha256_of(find_model(SHIPPED, with_prior=False).weights)
    if known:
        colors = spec.colors
    elif beside.is_file():
        colors = read_ctab(beside)
    features, labels = read_sizes(spec.weights)
    if labels != len(colors):
        raise ModelError(
            f"{spec.weights}: gives {labels} labels (background included), the colour table has {len(colors)}; put the "
            f"model's own table beside it as {beside.name}"
        )
    spec = ModelSpec(spec.weights, spec.sha256, colors, spec.origin, spec.fov, features)
    return GivenWeights(spec, read_weights(spec))


def check_start(start_from: GivenWeights, features: int) -> None:
    """Error if the weights are those of a network of another size.

    Parameters
    ----------
    start_from : GivenWeights
    features : int
        Features of the first level of the network to train.

    Raises
    ------
    UsageError
        Says which ``--features`` fits.
    """
    if start_from.spec.features != features:
        raise UsageError(
            f"--start-from {start_from.spec.weights}: has {start_from.spec.features} features, --features is "
            f"{features}; give --features {start_from.spec.features}"
        )


def check_teacher(teacher: GivenWeights, colors: ColorTable) -> None:
    """Error if the teacher knows other structures.

    Parameters
    ----------
    teacher : GivenWeights
    colors : ColorTable
        The structures to learn.

    Raises
    ------
    UsageError
        Names what the teacher knows.
    """
    names, wanted = ([s.name for s in table.foreground] for table in (teacher.spec.colors, colors))
    if names != wanted:
        raise UsageError(
            f"--teacher {teacher.spec.weights}: labels {', '.join(names)}; the colour table has {', '.join(wanted)}; "
            "give a teacher with the same structures in the same order"
        )


def adopt(given: GivenWeights, fresh: Weights, colors: ColorTable) -> Weights:
    """Weights to start from: the given ones, with a channel for each structure of the table.

    Parameters
    ----------
    given : GivenWeights
    fresh : Weights
        Random weights of the network that is wanted; with as many features.
    colors : ColorTable
        Its table. A structure that the given weights know by the same name keeps its channel; another one gets a
        random one.

    Returns
    -------
    Weights
        Copies.
    """
    weights = {layer: {name: array.copy() for name, array in given.weights[layer].items()} for layer in fresh}
    weights[LIKELIHOOD_LAYER] = {name: array.copy() for name, array in fresh[LIKELIHOOD_LAYER].items()}
    names = [structure.name for structure in given.spec.colors.foreground]
    pairs = [(0, 0)] + [(i, 1 + names.index(s.name)) for i, s in enumerate(colors.foreground, 1) if s.name in names]
    for name, array in weights[LIKELIHOOD_LAYER].items():
        for channel, theirs in pairs:
            array[..., channel] = given.weights[LIKELIHOOD_LAYER][name][..., theirs]
    return weights


def new_structures(given: GivenWeights, colors: ColorTable) -> list[str]:
    """Names of the structures that the given weights do not know.

    Parameters
    ----------
    given : GivenWeights
    colors : ColorTable
        The structures to learn.

    Returns
    -------
    list of str
    """
    known = {structure.name for structure in given.spec.colors.foreground}
    return [structure.name for structure in colors.foreground if structure.name not in known]

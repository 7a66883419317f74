"""Where weights come from: a given file, FreeSurfer, the user's own folder, or the package."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import platformdirs

from ..errors import ModelError
from ..files.content import ContentError, check_content
from ..files.hashing import sha256_of, sha256_of_text
from ..files.resources import data_file
from ..files.staging import write_atomically
from ..image.labels import ColorTable, read_ctab
from .spec import DEFAULT_CHANNELS, DEFAULT_FEATURES, DEFAULT_FOV_MM, ModelSpec
from .structure_prior import StructurePrior, format_prior, read_prior, read_shipped_prior

PUBLISHED_NAME = "sclimbic.fsm+ad.t1.nstd00-50.nstd32-50.h5"
PUBLISHED_SHA256 = "38ce0c0982d38a7039b5ed27286bbed9d3320718c7e7cdee5f42f2bc521d3e82"
SHIPPED_NAME = "fs_sclimbic.h5"
SHIPPED_SHA256 = "52c94d166926f70e96e03f33b8b3eb32f9e936902f04dd10ffe26decec4c35ab"
EARLIER_SHIPPED = {
    "1bfdb6b82382007c88a53bcfe7eb9886f8a89413f32cd0a428f66a8ff923e2d0": "first shipped model",
    "a2b5860de432df362fba6a8d7cb61e53fda43682b341c80d9138d3b620675c42": "second shipped model",
    "81d51f59ff1232909cae4a7c436ed3efec9629f5c6a24cfa6d1d16a544128ddc": "third shipped model",
}
"""Weights that the package carried before, by SHA-256; all were called `SHIPPED_NAME`."""
THIS_MODEL = "fourth shipped model"
# Words that --model takes instead of a file; ./shipped is a file of that name.
PUBLISHED, SHIPPED = "published", "shipped"
INSTALL_HINT = f"'fs_sclimbic model install FILE|URL' with {PUBLISHED_NAME} of FreeSurfer 7.3 or later"

PRIOR_SUFFIX = ".place.json"
KNOWN_PRIORS_NAME = "places.json"

MODELS_FOLDER_VARIABLE = "FS_SCLIMBIC_MODELS"
NO_FOLDER = Path(os.devnull, "models")


@dataclass(frozen=True, kw_only=True)
class KnownWeights:
    """The weights that need no ``--model FILE``."""

    published_sha256: str = PUBLISHED_SHA256
    """SHA-256 of the weights of Greve et al. 2021, hexadecimal."""
    shipped_name: str = SHIPPED_NAME
    """File name of the weights that come with the package."""


KNOWN_WEIGHTS = KnownWeights()


@dataclass(frozen=True)
class Home:
    """One file in which default weights may be."""

    origin: str
    """In words, for logs and errors."""
    path: Path | None
    """The file, or None if this machine has no folder for it."""
    note: str = ""
    """Why there is no path."""

    @property
    def present(self) -> bool:
        """Whether the file is there."""
        return self.path is not None and self.path.is_file()


def models_folder() -> Path:
    """The user's folder for installed models; the variable ``FS_SCLIMBIC_MODELS`` moves it.

    Returns
    -------
    Path
        `NO_FOLDER`, in which nothing can be, if the user has no home: a container's user without a name.
    """
    moved = os.environ.get(MODELS_FOLDER_VARIABLE)
    try:
        return Path(moved).expanduser() if moved else platformdirs.user_data_path("fs_sclimbic") / "models"
    except RuntimeError:  # neither HOME nor an entry in the list of users
        return NO_FOLDER


def default_homes_of_weights(known: KnownWeights = KNOWN_WEIGHTS) -> Iterator[Home]:
    """The files in which default weights are looked for, first choice first."""
    freesurfer = os.environ.get("FREESURFER_HOME")
    if freesurfer:
        yield Home("FREESURFER_HOME", _first_there(Path(freesurfer), Path(freesurfer).parent / "fspython"))
    else:
        yield Home("FREESURFER_HOME", None, "the variable is not set")
    # Installations of FreeSurfer in two parts keep the models with the Python part.
    if python_part := os.environ.get("FREESURFER_FSPYTHON"):
        yield Home("FREESURFER_FSPYTHON", Path(python_part) / "models" / PUBLISHED_NAME)
    folder = models_folder()
    if folder == NO_FOLDER:
        yield Home("installed", None, f"this user has no home folder; {MODELS_FOLDER_VARIABLE} names another one")
    else:
        yield Home("installed", folder / PUBLISHED_NAME)
    try:
        yield Home(SHIPPED, data_file("models", known.shipped_name))
    except FileNotFoundError:
        yield Home(SHIPPED, None, "the installation is incomplete")


def _first_there(*folders: Path) -> Path:
    """The published file in the first folder that has it, or where it should be in the first."""
    files = [folder / "models" / PUBLISHED_NAME for folder in folders]
    return next((file for file in files if file.is_file()), files[0])


def find_model(
    weights: str | PathLike[str] | None = None,
    ctab: str | PathLike[str] | None = None,
    *,
    fov: int = DEFAULT_FOV_MM,
    features: int = DEFAULT_FEATURES,
    channels: int = DEFAULT_CHANNELS,
    with_prior: bool = True,
    known: KnownWeights = KNOWN_WEIGHTS,
) -> ModelSpec:
    """Find the weights to use and describe their network; nothing is loaded.

    Parameters
    ----------
    weights : path-like, optional
        A weight file (.h5), or ``published`` or ``shipped`` for one that is known. Without it, the first that
        is there of: FreeSurfer's (``$FREESURFER_HOME/models``), the user-installed one, the shipped one.
    ctab : path-like, optional
        Colour table, one row per output channel; by default the limbic table.
    fov, features, channels : int
        Geometry of the network: box edge in 1 mm voxels, features of the first level, input channels.
    with_prior : bool
        Read where its structures lie in a head, too.
    known : KnownWeights
        What ``published`` and ``shipped`` mean.

    Returns
    -------
    ModelSpec

    Raises
    ------
    ModelError
        If there are no weights; the message names every file that was looked for.
    """
    origin, path = _find_weights(weights, known)
    colors = read_ctab(ctab)
    sha256 = sha256_of(path)
    if sha256 == known.published_sha256:
        origin = f"{origin}, {PUBLISHED}"
    prior = find_prior(path, sha256, colors) if with_prior else None
    return ModelSpec(path, sha256, colors, origin=origin, fov=fov, features=features, channels=channels, prior=prior)


def find_prior(
    weights: Path, sha256: str, colors: ColorTable, *, shipped_priors: Path | None = None
) -> StructurePrior | None:
    """Where a model's structures lie in a head.

    Looked for beside the weights (``<weights>.place.json``), among those that come with the package, and in the
    user's folder, where a run keeps what it learns.

    Parameters
    ----------
    weights : Path
        The weight file.
    sha256 : str
        Its SHA-256, hexadecimal.
    colors : ColorTable
        The model's structures.
    shipped_priors : Path, optional
        The priors of known models; by default those that come with the package.

    Returns
    -------
    StructurePrior or None
        None where it has not been measured.

    Raises
    ------
    ModelError
        If the file beside the weights is not of this model, or the shipped priors are damaged.
    """
    names = [structure.name for structure in colors.foreground]
    beside = prior_file_beside(weights)
    if beside.is_file():
        return read_prior(beside, names, sha256)
    shipped = read_shipped_prior(shipped_priors or data_file("models", KNOWN_PRIORS_NAME), sha256)
    if shipped is not None and [site.name for site in shipped.sites] == names:
        return shipped
    try:
        return read_prior(learned_prior_file(sha256, colors), names, sha256)
    except ModelError:  # not there, or of no use: it is learned again
        return None


def prior_file_beside(weights: Path) -> Path:
    """The file with a model's structure prior beside its weights."""
    return weights.with_name(f"{weights.name}{PRIOR_SUFFIX}")


def learned_prior_file(sha256: str, colors: ColorTable) -> Path:
    """The file, in the user's folder, of a structure prior that a run learns.

    Parameters
    ----------
    sha256 : str
        SHA-256 of the weights, hexadecimal.
    colors : ColorTable
        The model's structures; with other names it is another model.

    Returns
    -------
    Path
    """
    names = sha256_of_text(" ".join(structure.name for structure in colors.foreground))
    return models_folder() / f"{sha256[:16]}-{names[:8]}{PRIOR_SUFFIX}"


def write_prior(path: Path, prior: StructurePrior, sha256: str) -> None:
    """Write where a model's structures lie.

    Parameters
    ----------
    path : Path
        The .json to write.
    prior : StructurePrior
    sha256 : str
        SHA-256 of the model's weights, hexadecimal.
    """
    content = {"weights_sha256": sha256, **format_prior(prior)}
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def _find_weights(weights: str | PathLike[str] | None, known: KnownWeights) -> tuple[str, Path]:
    """Where the weights come from, and their file."""
    if weights not in (None, PUBLISHED, SHIPPED):
        path = Path(weights)
        try:
            check_content(path, "weight file")
        except ContentError as error:
            raise ModelError(f"{path}: {error}; give a file, or the word '{PUBLISHED}' or '{SHIPPED}'") from error
        return "--model", path
    homes = list(default_homes_of_weights(known))
    for home in homes:
        if home.path is None or not home.present:
            continue
        if weights == SHIPPED and home.origin != SHIPPED:
            continue
        if weights == PUBLISHED and sha256_of(home.path) != known.published_sha256:
            continue
        return home.origin, home.path
    looked = "; ".join(
        f"{home.origin}: {home.path or home.note}" for home in homes if weights != PUBLISHED or home.origin != SHIPPED
    )
    raise ModelError(
        f"no {f'{weights} ' if weights else ''}weights found. Looked at {looked}. Give --model FILE, set "
        f"FREESURFER_HOME, or run {INSTALL_HINT}"
    )


def weights_in_words(name: str, sha256: str) -> str:
    """Name weights so that the models that this package has carried can be told apart: their files are named alike.

    Parameters
    ----------
    name : str
        File name.
    sha256 : str
        SHA-256 of the file, hexadecimal.

    Returns
    -------
    str
        For instance ``fs_sclimbic.h5, second shipped model``.
    """
    which = {**EARLIER_SHIPPED, SHIPPED_SHA256: THIS_MODEL}.get(sha256)
    return f"{name}, {which}" if which else name


def is_published(spec: ModelSpec, known: KnownWeights = KNOWN_WEIGHTS) -> bool:
    """Whether the weights are, byte for byte, the ones of Greve et al. 2021.

    Parameters
    ----------
    spec : ModelSpec
    known : KnownWeights

    Returns
    -------
    bool
    """
    return spec.sha256 == known.published_sha256


def advice(spec: ModelSpec) -> str | None:
    """One line for users of the shipped weights: what they are, and how to get the published ones."""
    if spec.origin != SHIPPED:
        return None
    return (
        "the shipped weights learned from the published network and differ from it (docs/model_card.md); for the "
        f"published ones run {INSTALL_HINT}, or set FREESURFER_HOME"
    )

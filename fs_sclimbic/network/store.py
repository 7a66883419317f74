"""Where weights come from: a given file, FreeSurfer, the user's own folder, or the package."""

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import platformdirs

from ..errors import ModelError, UsageError
from ..files.hashing import sha256_of, sha256_of_text
from ..files.resources import data_file
from ..files.staging import write_atomically
from ..image.labels import ColorTable, read_ctab
from .spec import DEFAULT_CHANNELS, DEFAULT_FEATURES, DEFAULT_FOV_MM, ModelSpec
from .structure_prior import StructurePrior, format_prior, parse_prior, read_prior

PUBLISHED_NAME = "sclimbic.fsm+ad.t1.nstd00-50.nstd32-50.h5"
PUBLISHED_SHA256 = "38ce0c0982d38a7039b5ed27286bbed9d3320718c7e7cdee5f42f2bc521d3e82"
SHIPPED_NAME = "fs_sclimbic.h5"
# Words that --model takes in the place of a file; a file of that name is meant by ./shipped.
PUBLISHED, SHIPPED = "published", "shipped"
INSTALL_HINT = f"'fs_sclimbic model install FILE|URL' with {PUBLISHED_NAME} of FreeSurfer 7.3 or later"

PLACE_SUFFIX = ".place.json"
KNOWN_PLACES = "places.json"

MODELS_FOLDER_VARIABLE = "FS_SCLIMBIC_MODELS"


@dataclass(frozen=True)
class Home:
    """One place where default weights may lie."""

    origin: str
    """In words, for logs and errors."""
    path: Path | None
    """The file looked for, or None if the place does not exist on this machine."""
    note: str = ""
    """Why there is no path."""

    @property
    def present(self) -> bool:
        """Whether the file is there."""
        return self.path is not None and self.path.is_file()


def models_folder() -> Path:
    """The user's folder for installed models; the variable ``FS_SCLIMBIC_MODELS`` moves it."""
    moved = os.environ.get(MODELS_FOLDER_VARIABLE)
    return Path(moved).expanduser() if moved else platformdirs.user_data_path("fs_sclimbic") / "models"


def default_homes_of_weights() -> Iterator[Home]:
    """The places where default weights are looked for, first choice first."""
    freesurfer = os.environ.get("FREESURFER_HOME")
    if freesurfer:
        yield Home("FREESURFER_HOME", Path(freesurfer) / "models" / PUBLISHED_NAME)
    else:
        yield Home("FREESURFER_HOME", None, "the variable is not set")
    yield Home("installed", models_folder() / PUBLISHED_NAME)
    try:
        yield Home(SHIPPED, data_file("models", SHIPPED_NAME))
    except FileNotFoundError:
        yield Home(SHIPPED, None, "the installation is incomplete")


def find_model(
    weights: str | PathLike[str] | None = None,
    ctab: str | PathLike[str] | None = None,
    *,
    fov: int = DEFAULT_FOV_MM,
    features: int = DEFAULT_FEATURES,
    channels: int = DEFAULT_CHANNELS,
    with_prior: bool = True,
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
        Look for where its structures lie in a head, too.

    Returns
    -------
    ModelSpec

    Raises
    ------
    ModelError
        If there are no weights; the message names every place that was looked at.
    """
    home = _home_of(weights)
    assert home.path is not None
    colors: ColorTable = read_ctab(ctab)
    sha256 = sha256_of(home.path)
    origin = f"{home.origin}, {PUBLISHED}" if sha256 == PUBLISHED_SHA256 else home.origin
    prior = find_prior(home.path, sha256, colors) if with_prior else None
    return ModelSpec(home.path, sha256, colors, origin, fov, features, channels, prior)


def find_prior(weights: Path, sha256: str, colors: ColorTable) -> StructurePrior | None:
    """Where a model's structures lie in a head; None where no one has measured it.

    Looked for beside the weights (``<weights>.place.json``), among those that come with the package, and in the
    user's folder, where it is kept when it is learned.

    Raises
    ------
    ModelError
        If the file beside the weights is not the place of this model.
    """
    names = [structure.name for structure in colors.foreground]
    beside = prior_file_beside(weights)
    if beside.is_file():
        return read_prior(beside, names, sha256)
    known = json.loads(data_file("models", KNOWN_PLACES).read_text("utf-8"))
    if sha256 in known and [row["name"] for row in known[sha256]["structures"]] == names:
        return parse_prior(known[sha256], names)
    try:
        return read_prior(learned_prior_file(sha256, colors), names, sha256)
    except ModelError:  # not there, or of no use: it is learned again
        return None


def prior_file_beside(weights: Path) -> Path:
    """Where a place lies that is given with a weight file."""
    return weights.with_name(f"{weights.name}{PLACE_SUFFIX}")


def learned_prior_file(sha256: str, colors: ColorTable) -> Path:
    """Where the place of a model is kept that a run has learned; other names of its structures are another model."""
    names = sha256_of_text(" ".join(structure.name for structure in colors.foreground))
    return models_folder() / f"{sha256[:16]}-{names[:8]}{PLACE_SUFFIX}"


def write_prior(path: Path, prior: StructurePrior, sha256: str) -> None:
    """Keep the place of a model whose weights have this SHA-256."""
    content = {"weights_sha256": sha256, **format_prior(prior)}
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def _home_of(weights: str | PathLike[str] | None) -> Home:
    places = list(default_homes_of_weights())
    if weights == PUBLISHED:
        places = [place for place in places if place.present and sha256_of(place.path or "") == PUBLISHED_SHA256]
    elif weights == SHIPPED:
        places = [place for place in places if place.origin == SHIPPED]
    elif weights is not None:
        if not Path(weights).is_file():
            raise ModelError(
                f"{weights}: weight file does not exist; give a file, or the word '{PUBLISHED}' or '{SHIPPED}'"
            )
        return Home("--model", Path(weights))
    for place in places:
        if place.present:
            return place
    wanted = [place for place in default_homes_of_weights() if weights != PUBLISHED or place.origin != SHIPPED]
    looked = "; ".join(f"{place.origin}: {place.path or place.note}" for place in wanted)
    raise ModelError(
        f"no {weights or ''} weights found. Looked at {looked}. Give --model FILE, set FREESURFER_HOME, or run "
        f"{INSTALL_HINT}".replace("no  ", "no ")
    )


def is_published(spec: ModelSpec) -> bool:
    """Whether the weights are, byte for byte, the ones of Greve et al. 2021."""
    return spec.sha256 == PUBLISHED_SHA256


def advice(spec: ModelSpec) -> str | None:
    """One line for users of the shipped weights: what they are, and how to get the published ones."""
    if spec.origin != SHIPPED:
        return None
    return (
        "the shipped weights learned from the published network and differ from it (docs/model_card.md); for the "
        f"published ones run {INSTALL_HINT}, or set FREESURFER_HOME"
    )


def install_model(source: str | PathLike[str]) -> Path:
    """Copy the published weights into the user's folder, from a file or a URL.

    Parameters
    ----------
    source : path-like or str
        A local file, or an address that starts with http://, https:// or ftp://.

    Returns
    -------
    Path
        The installed file.

    Raises
    ------
    ModelError
        If the source cannot be had, or its SHA-256 is not the published one; nothing is installed then.
    """
    target = models_folder() / PUBLISHED_NAME
    source = os.fspath(source)
    # A folder is taken for FreeSurfer's, or its models folder.
    for file in (Path(source) / PUBLISHED_NAME, Path(source) / "models" / PUBLISHED_NAME):
        if "://" not in source and file.is_file():
            source = str(file)
    content = _fetch(source)
    try:
        write_atomically(target, content)
    except OSError as error:
        raise ModelError(
            f"{target}: cannot be written ({error.strerror}); {MODELS_FOLDER_VARIABLE} names another folder"
        ) from error
    return target


def _fetch(source: str) -> bytes:
    """The bytes of the published file, from a file or an address; nothing else is returned."""
    if source.startswith(("http://", "https://", "ftp://")):
        # Imported here: only this command needs it, and it brings requests along.
        import pooch

        with tempfile.TemporaryDirectory() as folder:
            try:
                return Path(
                    pooch.retrieve(source, known_hash=f"sha256:{PUBLISHED_SHA256}", fname=PUBLISHED_NAME, path=folder)
                ).read_bytes()
            except ValueError as error:
                raise ModelError(
                    f"{source}: is not the published file (SHA-256 differs); nothing was installed"
                ) from error
            except OSError as error:
                raise ModelError(f"{source}: download failed ({str(error)[:150]})") from error
    if "://" in source:
        raise UsageError(f"{source}: give a local file or an address that starts with http://, https:// or ftp://")
    found = sha256_of(source)
    if found != PUBLISHED_SHA256:
        raise ModelError(
            f"{source}: is not the published file (SHA-256 {found[:12]}..., expected {PUBLISHED_SHA256[:12]}...); "
            "nothing was installed. Use other weights with --model FILE --ctab TABLE"
        )
    return Path(source).read_bytes()

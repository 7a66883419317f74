"""How good eTIV from the image is.

    python benchmarks/etiv.py heads SHARED [--template FILE] [NAME ...]   ours beside the published tool's
    python benchmarks/etiv.py moved SHARED [NAME ...]                     the same head, moved and sampled otherwise
    python benchmarks/etiv.py bad IMAGE ...                               inputs that are no upright whole T1 head
    python benchmarks/etiv.py strip IMAGE ...                             whole heads, and the brain taken out of them
    python benchmarks/etiv.py simpleitk SHARED                            N4 and an affine of SimpleITK (to install)

SHARED is the project's shared folder. ``--template`` judges heads by another average (see ``make_head_template.py``,
``--without``). Each prints a table.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from make_head_template import OTHERS, TRUSTED, Matrix, read_head, read_references
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from fs_sclimbic.errors import SclimbicError
from fs_sclimbic.files.resources import data_file
from fs_sclimbic.image.volume import Grid, Volume, read_volume
from fs_sclimbic.registration.average import Average, read_average
from fs_sclimbic.registration.etiv import etiv_mm3
from fs_sclimbic.registration.head_search import locate_head
from fs_sclimbic.registration.head_template import (
    AVERAGE_HEAD,
    RIM_MM,
    AverageHead,
    measure_brain_distance,
    prepare_head,
    shipped_head,
)
from fs_sclimbic.registration.level import sample
from fs_sclimbic.registration.talairach import MAX_BRIGHTNESS, START_CENTER_MNI_MM, Registration, register

WHOLE = ("colin27", "t1crop", "studyforrest", "sag_anon", "adi_brain", "pumi2mm", "mne_ecog", "seg3d")
STRIPPED = ("niimath", "coregqa", "stroke", "ds-01", "ds-02", "ds-03", "ds-04")
BELIEVED = ("colin27", "t1crop", "sag_anon", "adi_brain", "pumi2mm")
"""Trusted references, without studyforrest's, which is wrong (see docs/etiv.md)."""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["heads", "moved", "bad", "strip", "simpleitk"])
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--template", type=Path)
    args = parser.parse_args(argv)
    head = prepare_head(read_average(args.template)) if args.template else shipped_head()
    if args.what in ("bad", "strip"):
        images = {path.name: read_volume(path) for path in map(Path, args.paths)}
        (bad if args.what == "bad" else strip)(images, head)
    elif args.what == "simpleitk":
        simpleitk(Path(args.paths[0]))
    else:
        shared, names = Path(args.paths[0]), tuple(args.paths[1:]) or (*WHOLE, *STRIPPED)
        (heads if args.what == "heads" else move)(shared, names, head)
    return 0


def litres(registration: Registration) -> float:
    return etiv_mm3(registration.ras2mni) / 1e6


def heads(shared: Path, names: tuple[str, ...], head: AverageHead) -> None:
    """Ours beside the published tool's eTIV."""
    references, differences = read_references(shared), {}
    print(f"{'head':14s} {'in average':>10s} {'ours':>6s} {'orig.':>6s} {'diff.':>7s} {'score':>6s} {'s':>5s}  doubts")
    for name in names:
        start = time.perf_counter()
        registration = register(read_head(shared, name), head=head)
        seconds = time.perf_counter() - start
        ours, theirs = litres(registration), etiv_mm3(references[name]) / 1e6
        differences[name] = 100 * (ours / theirs - 1)
        inside = "size" if name in TRUSTED else "look" if name in OTHERS else "no"
        print(
            f"{name:14s} {inside:>10s} {ours:6.3f} {theirs:6.3f} {differences[name]:+6.1f}% {registration.score:6.3f} "
            f"{seconds:5.1f}  {'; '.join(registration.doubts)}"
        )
    believed = [abs(differences[name]) for name in BELIEVED if name in differences]
    if believed:
        print(f"believed references: median {np.median(believed):.1f} %, worst {max(believed):.1f} %")


def turn(axis: int, degrees: float, about: NDArray[np.floating], shift: tuple[float, float, float]) -> Matrix:
    """A rotation about an axis of scanner space through a point, and a shift, mm."""
    move = np.eye(4)
    # About y the other way round, as the figures in docs/etiv.md were made.
    move[:3, :3] = Rotation.from_euler("xyz"[axis], -degrees if axis == 1 else degrees, degrees=True).as_matrix()
    move[:3, 3] = about - move[:3, :3] @ about + np.array(shift)
    return move


def sampled_again(volume: Volume, move: Matrix, voxel_mm: float | None = None) -> Volume:
    """The head moved, by cubic splines on an upright grid that holds all of it."""
    size = np.full(3, voxel_mm) if voxel_mm else volume.grid.voxel_size_mm
    ends = [(0, n - 1) for n in volume.grid.shape]
    corners = np.array([[i, j, k, 1] for i in ends[0] for j in ends[1] for k in ends[2]]).T
    places = (move @ volume.grid.vox2ras @ corners)[:3]
    low, high = places.min(axis=1), places.max(axis=1)
    vox2ras = np.diag([*size, 1.0])
    vox2ras[:3, 3] = low
    to_voxel = np.linalg.inv(move @ volume.grid.vox2ras) @ vox2ras
    data, coarser = volume.data.astype(np.float32), size / volume.grid.voxel_size_mm
    if coarser.max() > 1.05:
        data = ndimage.gaussian_filter(data, 0.3 * np.sqrt(np.maximum(coarser**2 - 1, 0)))
    shape = tuple(int(n) for n in np.ceil((high - low) / size) + 1)
    found = ndimage.affine_transform(data, to_voxel[:3, :3], to_voxel[:3, 3], output_shape=shape, order=3)
    return Volume(np.maximum(found, 0), Grid(shape, vox2ras))  # type: ignore[arg-type]


def stored_otherwise(volume: Volume) -> Volume:
    """The same voxels with their axes in another order, one of them backwards."""
    data = volume.data.transpose(2, 0, 1)[:, ::-1]
    old, new = volume.grid.vox2ras, np.eye(4)
    new[:3, 0], new[:3, 1], new[:3, 2] = old[:3, 2], -old[:3, 0], old[:3, 1]
    new[:3, 3] = old[:3, 3] + old[:3, 0] * (volume.grid.shape[0] - 1)
    return Volume(np.ascontiguousarray(data), Grid(data.shape, new))  # type: ignore[arg-type]


def mni_of(volume: Volume, ras2mni: Matrix) -> NDArray[np.float32]:
    """MNI305 coordinates (mm) of each voxel, shape (3, *shape)."""
    index = np.indices(volume.grid.shape, np.float32).reshape(3, -1)
    matrix = (ras2mni @ volume.grid.vox2ras).astype(np.float32)
    return (matrix[:3, :3] @ index + matrix[:3, 3:]).reshape(3, *volume.grid.shape)


def defaced(volume: Volume, ras2mni: Matrix) -> Volume:
    """The face cut off by a plane through the brow and below it."""
    _, y, z = mni_of(volume, ras2mni)
    return Volume(np.where((y > 40) & (z < -28 + 0.55 * (y - 40)), 0, volume.data), volume.grid)


def variants_of(volume: Volume, middle: NDArray[np.floating]) -> Iterator[tuple[str, Volume]]:
    """The same head, moved, stored and sampled otherwise."""
    still = (0.0, 0.0, 0.0)
    yield "pitch +15", sampled_again(volume, turn(0, 15, middle, still))
    yield "pitch -15", sampled_again(volume, turn(0, -15, middle, still))
    yield "roll 15", sampled_again(volume, turn(1, 15, middle, still))
    yield "yaw 15", sampled_again(volume, turn(2, 15, middle, still))
    yield "shift 20", sampled_again(volume, turn(0, 0, middle, (20, -20, 20)))
    yield "axes", stored_otherwise(volume)
    yield "0.7 mm", sampled_again(volume, np.eye(4), 0.7)
    yield "1.3 mm", sampled_again(volume, np.eye(4), 1.3)


def move(shared: Path, names: tuple[str, ...], head: AverageHead) -> None:
    """Change of eTIV (%) when the same head is moved, stored or sampled otherwise."""
    changes = []
    for name in names:
        volume = read_head(shared, name)
        base = register(volume, head=head)
        variants = dict(variants_of(volume, np.linalg.inv(base.ras2mni)[:3, 3]))
        if not base.stripped:
            variants["defaced"] = defaced(volume, base.ras2mni)
        found = {word: register(variant, head=head) for word, variant in variants.items()}
        by_word = {word: 100 * (litres(r) / litres(base) - 1) for word, r in found.items()}
        changes += list(by_word.values())
        doubts = sum(bool(r.doubts) for r in found.values())
        words = "  ".join(f"{word} {change:+.2f}" for word, change in by_word.items())
        print(f"{name:13s} {litres(base):.3f}  {words}  flagged {doubts}", flush=True)
    sizes = np.abs(changes)
    print(f"{len(sizes)} changes: median {np.median(sizes):.2f} %, worst {sizes.max():.2f} %")


def with_matrix(volume: Volume, matrix: Matrix) -> Volume:
    """The voxels under a wrong header: the matrix acts on scanner space."""
    return Volume(volume.data, Grid(volume.grid.shape, matrix @ volume.grid.vox2ras))


def cut(volume: Volume, ras2mni: Matrix, axis: int, from_mm: float, sign: int) -> Volume:
    """Only the part of a head beyond a plane of MNI305, the rest outside the image."""
    inside = sign * (mni_of(volume, ras2mni)[axis] - from_mm) > 0
    box = ndimage.find_objects(inside.astype(int))[0]
    # The box of an oblique part holds more of the head; what is beyond the plane goes.
    data = np.where(inside, volume.data, 0)[box]
    vox2ras = volume.grid.vox2ras.copy()
    vox2ras[:3, 3] += vox2ras[:3, :3] @ [part.start for part in box]
    return Volume(data, Grid(data.shape, vox2ras))


def bad_inputs(volume: Volume, ras2mni: Matrix) -> Iterator[tuple[str, Volume]]:
    """Things that are no upright whole T1-weighted head with a right header."""
    rng = np.random.default_rng(1)
    grid, data = volume.grid, volume.data.astype(np.float32)
    middle = grid.center_ras
    top = float(np.percentile(data, 99.5))
    yield "left half only", cut(volume, ras2mni, 0, 0, -1)
    yield "front half only", cut(volume, ras2mni, 1, -20, 1)
    yield "top of the brain missing", cut(volume, ras2mni, 2, 25, -1)
    yield "bottom of the brain missing", cut(volume, ras2mni, 2, 5, 1)
    yield "header upside down", with_matrix(volume, turn(0, 180, middle, (0, 0, 0)))
    yield "header back to front", with_matrix(volume, turn(2, 180, middle, (0, 0, 0)))
    yield "header lying on its back", with_matrix(volume, turn(0, 90, middle, (0, 0, 0)))
    yield "header lying on its side", with_matrix(volume, turn(1, 90, middle, (0, 0, 0)))
    yield "header with axes swapped", Volume(data, Grid(grid.shape, grid.vox2ras[:, [1, 0, 2, 3]]))
    yield "header with voxels twice as large", with_matrix(volume, np.diag([2.0, 2.0, 2.0, 1.0]))
    yield "header with half the slice thickness", with_matrix(volume, np.diag([1.0, 1.0, 0.5, 1.0]))
    yield "header with 1.5 x the slice thickness", with_matrix(volume, np.diag([1.0, 1.5, 1.0, 1.0]))
    yield "contrast inverted", Volume(np.where(data > 0.1 * top, np.maximum(top - data, 0), 0), grid)
    yield "noise", Volume(rng.gamma(2.0, 100.0, grid.shape).astype(np.float32), grid)
    yield "smooth noise", Volume(ndimage.gaussian_filter(rng.random(grid.shape, np.float32), 6), grid)
    yield "blank", Volume(np.zeros(grid.shape, np.float32), grid)
    yield "voxels shuffled", Volume(rng.permutation(data.ravel()).reshape(grid.shape), grid)
    index = np.indices((200, 200, 160), np.float32)
    upright = Grid((200, 200, 160), np.array([[1.0, 0, 0, -100], [0, 1, 0, -100], [0, 0, 1, -80], [0, 0, 0, 1]]))
    ball = np.linalg.norm(index - np.array([100, 100, 80])[:, None, None, None], axis=0)
    yield "ball", Volume(np.where(ball < 75, 100, 0).astype(np.float32), upright)
    yield "ball in a shell", Volume(np.select([ball < 65, ball < 70, ball < 78], [100, 20, 140], 0.0), upright)
    x, y, z = index - np.array([100, 100, 80])[:, None, None, None]
    torso = ((x / 95) ** 2 + (y / 65) ** 2 < 1) * 90.0
    for side in (-1, 1):
        torso[((x - side * 42) / 32) ** 2 + (y / 40) ** 2 + (z / 70) ** 2 < 1] = 8
    torso[(x / 14) ** 2 + ((y + 40) / 14) ** 2 < 1] = 130
    yield "torso", Volume(torso + rng.normal(0, 2, torso.shape).clip(0), upright)


def bad(images: dict[str, Volume], head: AverageHead) -> None:
    """What becomes of bad inputs made of good heads; the good ones first."""
    silent = total = 0
    for name, volume in images.items():
        base = register(volume, head=head)
        print(f"{name} itself: {litres(base):.3f} l, score {base.score:.2f}, flagged {bool(base.doubts)}")
        for word, image in bad_inputs(volume, base.ras2mni):
            total += 1
            try:
                found = register(image, head=head)
            except SclimbicError:
                print(f"  {word:38s} refused")
                continue
            silent += not found.doubts
            try:
                size = f"{litres(found):.3f} l"
            except SclimbicError:
                size = "mirrored"
            print(f"  {word:38s} {'flagged' if found.doubts else 'SILENT'} {size}: {'; '.join(found.doubts)}")
    print(f"{total} bad inputs, {silent} silent")


def strip(images: dict[str, Volume], head: AverageHead) -> None:
    """eTIV of whole heads, and of the same when all but the brain is taken away."""
    for name, volume in images.items():
        whole = register(volume, head=head)
        brain = register(brain_of(volume, whole.ras2mni), head=head)
        change = 100 * (litres(brain) / litres(whole) - 1)
        print(f"{name:22s} {litres(whole):.3f} -> {litres(brain):.3f} l ({change:+.1f} %), score {brain.score:.2f}")


def brain_distance(average: Average) -> Volume:
    """Distance (mm) of each voxel of an average to the brain's surface, float32."""
    probability = average.probability
    found = measure_brain_distance(Volume(probability.data / 255, probability.grid))
    return Volume(found.data.astype(np.float32), found.grid)


def brain_of(volume: Volume, ras2mni: Matrix) -> Volume:
    """A simple skull strip: what is bright and hangs together, within 4 mm of where brain is expected."""
    distance = brain_distance(read_average(data_file(*AVERAGE_HEAD)))
    points = mni_of(volume, ras2mni).reshape(3, -1).T
    near, inside = sample(distance, np.eye(4), points)
    near = np.where(inside, near, 99).reshape(volume.grid.shape)
    white = np.percentile(volume.data[near < -8], 80)
    bright = (volume.data > 0.35 * white) & (near < 4)
    step = max(1, round(2 / float(volume.grid.voxel_size_mm.mean())))
    core = ndimage.binary_erosion(bright, iterations=step)
    labels, _ = ndimage.label(core)
    largest = labels == np.argmax(np.bincount(labels[labels > 0]))
    mask = ndimage.binary_fill_holes(ndimage.binary_dilation(largest, iterations=step + 1) & (bright | (near < -4)))
    return Volume(np.where(mask, volume.data, 0), volume.grid)


def simpleitk(shared: Path) -> None:
    """N4 and a 12-parameter registration of SimpleITK to the same average, from the same first guess."""
    sitk: Any = importlib.import_module("SimpleITK")
    average = read_average(data_file(*AVERAGE_HEAD))
    near, brightness = brain_distance(average).data <= RIM_MM, average.brightness
    fixed = _sitk_image(sitk, Volume(brightness.data / 255 * MAX_BRIGHTNESS, brightness.grid))
    mask = sitk.Cast(_sitk_image(sitk, Volume(near.astype(np.float32), brightness.grid)) > 0.5, sitk.sitkUInt8)
    references = read_references(shared)
    for name in WHOLE:
        volume = read_head(shared, name)
        start = time.perf_counter()
        image = _sitk_image(sitk, volume)
        small = sitk.Shrink(image, [max(1, round(4 / size)) for size in image.GetSpacing()])
        n4 = sitk.N4BiasFieldCorrectionImageFilter()
        n4.SetMaximumNumberOfIterations([50] * 3)
        n4.Execute(small, sitk.OtsuThreshold(small, 0, 1))
        image = sitk.Cast(image / sitk.Exp(n4.GetLogBiasFieldAsImage(image)), sitk.sitkFloat32)
        corrected = time.perf_counter() - start
        head = locate_head(volume)
        assert head is not None
        guess = np.linalg.inv(head.ras2mni)
        transform = sitk.AffineTransform(3)
        transform.SetCenter(START_CENTER_MNI_MM.tolist())
        transform.SetMatrix(guess[:3, :3].ravel().tolist())
        transform.SetTranslation((guess[:3, :3] @ START_CENTER_MNI_MM + guess[:3, 3] - START_CENTER_MNI_MM).tolist())
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsCorrelation()
        method.SetMetricFixedMask(mask)
        method.SetMetricSamplingStrategy(method.NONE)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-4, 200, relaxationFactor=0.6)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetShrinkFactorsPerLevel([2, 1])
        method.SetSmoothingSigmasPerLevel([3.4, 1.7])
        method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
        method.SetInitialTransform(transform, inPlace=True)
        method.Execute(fixed, sitk.Clamp(image, upperBound=MAX_BRIGHTNESS * float(np.percentile(volume.data, 90))))
        size = 1.948106 * np.linalg.det(np.array(transform.GetMatrix()).reshape(3, 3))
        difference = 100 * (size / (etiv_mm3(references[name]) / 1e6) - 1)
        seconds = time.perf_counter() - start
        print(f"{name:14s} {size:.3f} l {difference:+.1f} %, N4 {corrected:.1f} s, in all {seconds:.1f} s", flush=True)


def _sitk_image(sitk: Any, volume: Volume) -> Any:
    """An image of SimpleITK whose physical space is scanner RAS."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.data.astype(np.float32).T))
    image.SetSpacing(np.linalg.norm(volume.grid.vox2ras[:3, :3], axis=0).tolist())
    image.SetOrigin(volume.grid.vox2ras[:3, 3].tolist())
    image.SetDirection((volume.grid.vox2ras[:3, :3] / np.array(image.GetSpacing())).ravel().tolist())
    return image


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The picture of a case: each structure at its centre in three planes, and the whole head."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..image.conform import reorient_ras, resample_nearest
from ..image.labels import ColorTable, Structure
from ..image.volume import Volume
from ..segmentation.measure import SegStats
from .canvas import Canvas, Color
from .centres import StructureLocations, locate_structures
from .head_picture import GAP_PIXELS, HEAD_PIXELS, NO_T1_GRAY, draw_head_views
from .picture import Picture
from .slices import outlines, sample_gray, sample_labels, to_gray
from .tiles import FIELD_MM, PIXELS_PER_MM, TILE_COLUMNS, TILE_ROWS, Tile, choose_tiles, group_structures, sort_groups

WINDOW_PERCENTILES = (0.5, 97.0)
"""Of the intensities of the field around the structures: black, and light grey. Enhanced vessels lie above."""
WHITE_OVER_PERCENTILE = 1.2
"""So much further is white: light outlines show on light grey."""
MAX_COLUMNS = 8
"""Groups of structures side by side; further ones stand in a band of rows below."""

WHITE, GRAY, RED = (255, 255, 255), (165, 165, 165), (255, 110, 90)
TITLE_PIXELS, NAME_PIXELS, LIST_PIXELS = 34, 22, 760
TITLE_FONT, FONT, SMALL_FONT = 18, 15, 13
MIN_BRIGHTNESS = 110
"""Of an outline, 0-255 as the eye weighs red, green and blue; darker colours of a table are lightened."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """What all slices of a case share."""

    head: Volume | None
    """RAS."""
    labels: Volume
    """SegIds, RAS, on the grid of the head."""
    locations: StructureLocations
    window: tuple[float, float]
    """Intensities that are black and white."""
    rgb: Mapping[int, Color]
    """By SegId."""

    def is_found(self, structure: Structure) -> bool:
        """Whether a structure has more than a few voxels."""
        centre = self.locations.centres.get(structure.name)
        return centre is not None and centre.is_found


def draw_case(
    t1: Volume | None,
    labels: Volume,
    colors: ColorTable,
    *,
    title: str = "",
    stats: SegStats | None = None,
    ras2mni: NDArray[np.float64] | None = None,
) -> Picture:
    """Draw a case: each structure at its centre in three planes, the whole head, and the list of structures.

    The subject's left is on the left of the picture. All slices have one scale, 3 pixels a mm, and show the same field
    of 72 x 72 x 56 mm in each case. Slices run along the image's own axes, so that an outline is that of the voxels;
    within a slice grey values are interpolated. Black is the 0.5th percentile of the field around the structures,
    light grey the 97th; the rest of the head does not count. A lost structure has slices where it should be.

    Parameters
    ----------
    t1 : Volume or None
        None: the labels alone are drawn, filled.
    labels : Volume
        SegIds; on another grid than the T1's they are brought to it by the nearest voxel.
    colors : ColorTable
        Its structures are drawn; other SegIds are not.
    title : str
        The case's name, and what else should stand above it.
    stats : SegStats, optional
        Volumes for the list of structures.
    ras2mni : ndarray, shape (4, 4), optional
        Scanner RAS to MNI305, mm: the average brain is drawn over the head as this puts it.

    Returns
    -------
    Picture
    """
    if t1 is not None and not labels.grid.matches(t1.grid):
        labels = resample_nearest(Volume(labels.data.astype(np.int32), labels.grid), t1.grid)
    segmentation = reorient_ras(labels)
    head = None if t1 is None else reorient_ras(t1)
    locations = locate_structures(segmentation, colors, ras2mni)
    scene = Scene(
        head=head,
        labels=segmentation,
        locations=locations,
        window=find_window(head, locations.middle),
        rgb={structure.index: lighten(structure.rgba[:3]) for structure in colors.foreground},
    )
    groups = sort_groups(group_structures(colors), locations)
    bands = [groups[i : i + MAX_COLUMNS] for i in range(0, len(groups), MAX_COLUMNS)]
    band_rows = NAME_PIXELS + sum(TILE_ROWS) + GAP_PIXELS * len(TILE_ROWS)
    heads_columns = 3 * (HEAD_PIXELS + GAP_PIXELS)
    canvas = Canvas(
        TITLE_PIXELS + band_rows * len(bands) + HEAD_PIXELS + GAP_PIXELS + NAME_PIXELS,
        max(len(bands[0]) * (TILE_COLUMNS + GAP_PIXELS) if bands else 0, heads_columns + LIST_PIXELS),
    )
    canvas.write(title, TITLE_PIXELS / 2, 8, WHITE, TITLE_FONT, "lm")
    row = TITLE_PIXELS
    for band in bands:
        for number, group in enumerate(band):
            column = number * (TILE_COLUMNS + GAP_PIXELS)
            lost = [side for structure, side in group.sides if not scene.is_found(structure)]
            words = "" if not lost else " (lost)" if len(lost) == len(group.sides) else f" ({', '.join(lost)} lost)"
            canvas.write(group.name + words, row + NAME_PIXELS / 2, column + 6, RED if lost else WHITE, FONT, "lm")
            top = row + NAME_PIXELS
            for tile, rows in zip(choose_tiles(group, segmentation, locations), TILE_ROWS, strict=True):
                if tile is not None:
                    _draw_tile(canvas, scene, tile, top, column)
                top += rows + GAP_PIXELS
        row += band_rows
    draw_head_views(canvas, row, head, segmentation, scene.rgb, scene.window, locations.middle, ras2mni)
    _write_list(canvas, row, heads_columns + 12, scene, colors, stats)
    _write_legend(canvas, row + HEAD_PIXELS + GAP_PIXELS, scene, ras2mni is not None)
    return canvas.picture(describe(title, colors, locations))


def _draw_tile(canvas: Canvas, scene: Scene, tile: Tile, row: int, column: int) -> None:
    """Put one slice on the canvas, with its sides marked."""
    labels = sample_labels(scene.labels, tile.view)
    if scene.head is None:
        pixels, shown = np.full((*labels.shape, 3), NO_T1_GRAY, np.uint8), labels != 0
    else:
        pixels, shown = to_gray(sample_gray(scene.head, tile.view), *scene.window), outlines(labels)
    for index, color in scene.rgb.items():
        pixels[(labels == index) & shown] = color
    canvas.put(pixels, row, column)
    rows, columns = tile.view.shape
    low, high = tile.ends
    canvas.write_over(low, row + rows - 11, column + 4, WHITE, SMALL_FONT, "lm")
    canvas.write_over(high, row + rows - 11, column + columns - 4, WHITE, SMALL_FONT, "rm")
    canvas.write_over(tile.corner, row + 11, column + 4, WHITE, SMALL_FONT, "lm")
    if tile.is_lost:
        canvas.write_over("lost: expected here", row + 11, column + columns - 4, RED, SMALL_FONT, "rm")


def find_window(head: Volume | None, middle: NDArray[np.float64]) -> tuple[float, float]:
    """The intensities that are black and white: percentiles of the field around the structures.

    Parameters
    ----------
    head : Volume or None
        RAS.
    middle : ndarray, shape (3,)
        Voxel coordinates of the field's middle.

    Returns
    -------
    (float, float)
        0 and 1 where there is no image, or nothing in the field.
    """
    if head is None:
        return 0.0, 1.0
    half = np.array(FIELD_MM) / 2 / head.grid.voxel_size_mm
    low, high = np.floor(middle - half).astype(int), np.ceil(middle + half).astype(int) + 1
    field = head.data[tuple(slice(max(a, 0), max(b, 0)) for a, b in zip(low, high, strict=True))]
    values = field[np.isfinite(field)]
    if not values.size:
        return 0.0, 1.0
    black, white = np.percentile(values, WINDOW_PERCENTILES)
    span = float(white - black) * WHITE_OVER_PERCENTILE
    return float(black), float(black) + (span if span > 0 else 1.0)


def lighten(color: Sequence[int]) -> Color:
    """A colour that shows on a dark ground: mixed with white as far as it must.

    Parameters
    ----------
    color : sequence of int
        Red, green, blue, 0-255.

    Returns
    -------
    Color
    """
    brightness = float(np.dot(color, (0.299, 0.587, 0.114)))
    share = max(0.0, (MIN_BRIGHTNESS - brightness) / (255 - brightness)) if brightness < 255 else 0.0
    red, green, blue = (round(part + (255 - part) * share) for part in color)
    return red, green, blue


def describe(title: str, colors: ColorTable, locations: StructureLocations) -> str:
    """What a picture shows, in words.

    Parameters
    ----------
    title : str
    colors : ColorTable
    locations : StructureLocations

    Returns
    -------
    str
    """
    there = {name for name, centre in locations.centres.items() if centre.is_found}
    lost = [structure.name for structure in colors.foreground if structure.name not in there]
    shown = f"outlines of {len(there)} of {len(colors.foreground)} structures over the T1, each at its centre"
    return f"{title}: {shown}" + (f"; lost: {', '.join(lost)}" if lost else "")


def _write_list(canvas: Canvas, top: int, left: int, scene: Scene, colors: ColorTable, stats: SegStats | None) -> None:
    """The structures with their colours and volumes, in two columns."""
    rows = {} if stats is None else {row.structure.name: row for row in stats.structures}
    per_column = max(8, -(-len(colors.foreground) // 2))
    step = min(22.0, (HEAD_PIXELS - 8) / per_column)
    for number, structure in enumerate(colors.foreground):
        column, line = divmod(number, per_column)
        row, at = top + 14 + line * step, left + column * LIST_PIXELS // 2
        color = WHITE if scene.is_found(structure) else RED
        canvas.fill(round(row - 6), at, 12, 12, scene.rgb[structure.index])
        canvas.write(structure.name, row, at + 20, color, FONT, "lm")
        if structure.name in rows:
            volume = f"{rows[structure.name].volume_mm3:.0f} mm^3"
            canvas.write(volume, row, at + 310, color, FONT, "rm")
        elif color == RED:
            canvas.write("lost", row, at + 310, color, FONT, "rm")


def _write_legend(canvas: Canvas, row: int, scene: Scene, has_brain: bool) -> None:
    words = [
        "the subject's left (L) is on the left",
        f"slices {FIELD_MM[0]} mm wide, {PIXELS_PER_MM} pixels a mm",
        *([f"grey from {scene.window[0]:.4g} to {scene.window[1]:.4g}"] if scene.head else ["without the T1"]),
        *(["white line: the average brain where the transform of eTIV puts it"] if has_brain else []),
    ]
    canvas.write("  |  ".join(words), row + NAME_PIXELS / 2, 8, GRAY, SMALL_FONT, "lm")

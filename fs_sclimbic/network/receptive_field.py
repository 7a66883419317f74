"""Which part of each map of the U-Net a part of its posteriors depends on.

The network is local: a voxel of the posteriors depends on the image up to 22 voxels away. What is computed for a box
can therefore be cut, at every layer, to what that box needs, and the posteriors are those of the whole image to the
last digits, as long as the poolings stay where they are: the image must begin at the same voxel modulo 4. Where the
needed part ends at the edge of the image, the convolutions pad with zeros there, and only there.
"""

from dataclasses import dataclass

from ..image.box import Box
from .architecture import DECODER_LEVELS, ENCODER_LEVELS, LEVELS, decoder_layers, encoder_layers

Pads = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""Zeros to put before and after, along each axis."""


@dataclass(frozen=True)
class Extents:
    """The needed part of each map, in voxels of its level, and the zeros that each convolution must pad with."""

    image: Box
    """Input of the network."""
    pads: tuple[tuple[str, Pads], ...]
    """By the layer's name."""
    down: tuple[Box, ...]
    """Outputs of the encoder's levels, from the first."""
    merged: tuple[Box, ...]
    """By level: inputs of the decoder's convolutions, where what is handed across meets what comes up."""
    below: tuple[Box, ...]
    """By level: what comes up to it, in voxels of the level below."""
    wanted: Box
    """The posteriors."""

    @property
    def pad(self) -> dict[str, Pads]:
        """``pads`` as a dictionary."""
        return dict(self.pads)

    def crops(self) -> tuple[Pads, ...]:
        """How much is cut from what is handed across, and from what comes up, at each level of the decoder."""
        return tuple(
            cuts(have, merged)
            for level, merged in enumerate(self.merged)
            for have in (self.down[level], self.below[level].finer(2))
        )


def extents_of(wanted: Box, image: Box) -> Extents:
    """Work back from the wanted posteriors to the part of the image that they need.

    Parameters
    ----------
    wanted : Box
        Voxels whose posteriors are wanted; inside ``image``.
    image : Box
        All voxels that there are; begins at and measures multiples of 4.

    Returns
    -------
    Extents
        The needed part of each map.
    """
    whole = [image.coarser(2**level) for level in range(LEVELS)]
    pads: dict[str, Pads] = {}

    def before(part: Box, level: int, convolutions: tuple[str, ...]) -> Box:
        """Input of a level's convolutions."""
        for name in reversed(convolutions):
            needed = part.grown(1)
            part = needed.clipped(whole[level])
            pads[name] = cuts(needed, part)
        return part

    merged, below, part = [], [], wanted
    for level in reversed(DECODER_LEVELS):
        part = before(part, level, decoder_layers(level).convolutions)
        merged.append(part)
        part = part.coarser(2)
        below.append(part)
    down = [part]
    for level in reversed(ENCODER_LEVELS):
        part = before(part, level, encoder_layers(level).convolutions)
        if level:
            part = part.finer(2)
            down.append(part)
    return Extents(part, tuple(pads.items()), tuple(reversed(down)), tuple(merged), tuple(below), wanted)


def cuts(whole: Box, part: Box) -> Pads:
    """How much wider a box is than one inside it.

    Parameters
    ----------
    whole, part : Box
        ``part`` lies inside ``whole``.

    Returns
    -------
    tuple of three (int, int)
        Voxels before and after, along each axis.
    """
    x, y, z = (
        (inner - outer, outer_end - inner_end)
        for outer, inner, outer_end, inner_end in zip(whole.low, part.low, whole.high, part.high, strict=True)
    )
    return x, y, z

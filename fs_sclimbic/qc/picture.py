"""A picture in memory, and its files."""

import io
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import UsageError
from ..files.staging import write_atomically

WEBP_QUALITIES = (72, 60, 48, 36)
"""Of 100, the first that gives a small file; outlines one pixel wide keep their colour."""
SMALL_FILE_BYTES = 145_000
JPEG_QUALITY = 85
FORMATS = {".webp": "WEBP", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
"""Kinds of picture files by their endings."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in memory. A notebook shows it."""

    pixels: NDArray[np.uint8]
    """Red, green, blue; shape (rows, columns, 3), the top row first."""
    description: str = ""
    """What is seen, in words, for those who cannot see it."""

    def __repr__(self) -> str:
        rows, columns = self.pixels.shape[:2]
        return (
            f"<Picture {columns} x {rows}: {self.description}>" if self.description else f"<Picture {columns} x {rows}>"
        )

    def _repr_png_(self) -> bytes:
        return self.encode(".png")

    def encode(self, ending: str = ".webp") -> bytes:
        """The picture as the bytes of a file.

        Parameters
        ----------
        ending : {".webp", ".png", ".jpg", ".jpeg"}
            Kind of the file. WebP is a quarter of PNG; PNG keeps every pixel.

        Returns
        -------
        bytes

        Raises
        ------
        UsageError
            If the kind is another.
        """
        kind = FORMATS.get(ending.lower())
        if kind is None:
            raise UsageError(f"'{ending}': expected a picture that ends in {', '.join(FORMATS)}")
        if kind == "PNG":
            return self._encode(kind)
        if kind == "JPEG":
            return self._encode(kind, quality=JPEG_QUALITY, subsampling=0)
        for quality in WEBP_QUALITIES:
            content = self._encode(kind, quality=quality, method=2, use_sharp_yuv=True)
            if len(content) <= SMALL_FILE_BYTES:
                break
        return content

    def _encode(self, kind: str, **options: object) -> bytes:
        content = io.BytesIO()
        Image.fromarray(self.pixels).save(content, kind, **options)
        return content.getvalue()

    def save(self, path: str | PathLike[str]) -> None:
        """Write the picture, whole or not at all.

        Parameters
        ----------
        path : path-like
            Ends in .webp, .png, .jpg or .jpeg.

        Raises
        ------
        UsageError
            If the ending is another.
        """
        write_atomically(path, self.encode(Path(path).suffix))

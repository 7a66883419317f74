"""What a picture is drawn on."""

import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .picture import Picture

Color = tuple[int, int, int]
"""Red, green, blue, 0-255."""
BLACK: Color = (0, 0, 0)


class Canvas:
    """A picture while it is drawn: black, until something is put on it.

    Parameters
    ----------
    rows, columns : int
        Its size, pixels.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self._image = Image.new("RGB", (columns, rows))
        self._draw = ImageDraw.Draw(self._image)

    def put(self, pixels: NDArray[np.uint8], row: int, column: int) -> None:
        """Put pixels on it.

        Parameters
        ----------
        pixels : ndarray, shape (rows, columns, 3)
        row, column : int
            Of the first pixel.
        """
        self._image.paste(Image.fromarray(pixels), (column, row))

    def write(self, text: str, row: float, column: float, color: Color, size: int, anchor: str = "la") -> None:
        """Write one line of text. The font that Pillow carries has ASCII: accents are left out, other signs are ``?``.

        Parameters
        ----------
        text : str
        row, column : float
            Where the anchor lies.
        color : Color
        size : int
            Height of the font, pixels.
        anchor : str
            Pillow's: ``la`` the text's upper left, ``mm`` its middle, ``ra`` its upper right.
        """
        letters = (sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
        shown = "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in letters)
        self._draw.text((column, row), shown, fill=color, font=_font(size), anchor=anchor)

    def write_over(self, text: str, row: float, column: float, color: Color, size: int, anchor: str = "la") -> None:
        """Write a line of text with a black rim, which shows on bright tissue too; see `write`.

        Parameters
        ----------
        text : str
        row, column : float
        color : Color
        size : int
        anchor : str
        """
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            self.write(text, row + down, column + right, BLACK, size, anchor)
        self.write(text, row, column, color, size, anchor)

    def fill(self, row: int, column: int, rows: int, columns: int, color: Color) -> None:
        """Fill a rectangle.

        Parameters
        ----------
        row, column : int
            Of the first pixel.
        rows, columns : int
            Size, pixels.
        color : Color
        """
        self._draw.rectangle((column, row, column + columns - 1, row + rows - 1), fill=color)

    def picture(self, description: str = "") -> Picture:
        """What was drawn.

        Parameters
        ----------
        description : str
            In words.

        Returns
        -------
        Picture
        """
        return Picture(np.array(self._image), description)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)

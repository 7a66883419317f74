"""What is put on a canvas stands where it was put."""

import numpy as np

from fs_sclimbic.qc.canvas import Canvas

WHITE = (255, 255, 255)


def test_pixels_and_rectangles_stand_where_they_are_put():
    canvas = Canvas(30, 50)
    canvas.put(np.full((4, 6, 3), 90, np.uint8), row=10, column=20)
    canvas.fill(1, 2, 3, 4, (255, 0, 0))
    pixels = canvas.picture("words").pixels
    assert (pixels[10:14, 20:26] == 90).all()
    assert (pixels[1:4, 2:6] == (255, 0, 0)).all()
    assert pixels.any(-1).sum() == 4 * 6 + 3 * 4
    assert canvas.picture("words").description == "words"


def test_text_is_on_the_side_of_its_anchor():
    canvas = Canvas(40, 200)
    canvas.write("left", 20, 100, WHITE, 15, "rm")
    columns = np.nonzero(canvas.picture().pixels.any(-1))[1]
    assert 40 < columns.min() < columns.max() < 101


def test_a_rim_shows_text_on_white():
    canvas = Canvas(40, 60)
    canvas.fill(0, 0, 40, 60, WHITE)
    canvas.write_over("R", 20, 30, WHITE, 15, "mm")
    assert (canvas.picture().pixels.max(-1) < 80).sum() > 10


def test_signs_without_a_glyph_are_question_marks():
    drawn = []
    for text in ("s\u00fcb-\u4e00\n", "sub-??"):
        canvas = Canvas(30, 120)
        canvas.write(text, 5, 5, WHITE, 15)
        drawn.append(canvas.picture().pixels)
    assert np.array_equal(*drawn)

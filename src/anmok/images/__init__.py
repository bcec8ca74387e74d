"""The only decoder: the bytes of a picture in, an upright RGB array out; and the only place that resizes.

>>> data = Path("cat.jpg").read_bytes()
>>> load(data, name="cat.jpg", size=224, rule="squash").shape
(224, 224, 3)

Everything that training, measuring and serving sees went through ``load`` (or ``decode`` and ``resize``, which
give the same array), so the three cannot drift apart. The files, in the order of the way of a picture:
``signatures`` (what the bytes are), ``decoding`` (limits, Pillow, errors; ``png`` and ``tiff`` help it), ``colour``
(every mode to RGB), ``resizing`` (the three rules).
"""

from anmok.images.decoding import FORMATS, Decoded, Upright, decode, decode_image, load
from anmok.images.position import Position, position_of
from anmok.images.resizing import GREY, resize, resize_image, square_in_picture

__all__ = [
    "FORMATS",
    "GREY",
    "Decoded",
    "Position",
    "Upright",
    "decode",
    "decode_image",
    "load",
    "position_of",
    "resize",
    "resize_image",
    "square_in_picture",
]

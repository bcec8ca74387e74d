"""The only decoder: the bytes of a picture in, an upright RGB array out; and the only place that resizes.

>>> load(data, name="cat.jpg", size=224, rule="squash").shape
(224, 224, 3)

Everything that training, measuring and serving sees went through ``load`` (or ``decode`` and ``resize``, which
give the same array), so the three cannot drift apart. The files, in the order of the way of a picture:
``signatures`` (what the bytes are), ``decoding`` (limits, Pillow, errors; ``png`` and ``tiff`` help it), ``colour``
(every mode to RGB), ``resizing`` (the three rules).
"""

from anmok.images.decoding import FORMATS, Decoded, Upright, decode, decode_image, load
from anmok.images.resizing import resize

__all__ = ["FORMATS", "Decoded", "Upright", "decode", "decode_image", "load", "resize"]

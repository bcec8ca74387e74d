"""The embedded sample: five sights of Jeju, drawn by code, with faults planted for the checks to find.

Try it: `draw_sample(Path("sample"))` draws 300 pictures in five folders, 27 faults among them and a list of
those in `truth.csv`, in about 20 seconds; the same seed gives the same bytes.
"""

from anmok.data.sample.draw import draw_place, draw_sample
from anmok.data.sample.faults import SampleTruth
from anmok.data.sample.places import place_names

__all__ = ["SampleTruth", "draw_place", "draw_sample", "place_names"]

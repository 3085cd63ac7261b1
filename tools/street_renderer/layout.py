"""Statistics of streets, the same in both domains.

Lengths are in metres, and ranges are drawn from once per scene.
"""

LANES = (1, 1, 1, 2)
LANE_WIDTH = (2.9, 3.4)
SIDEWALK = (2.4, 5.0)
VERGE_CHANCE = 0.45
SETBACK = (0.0, 1.5)
FLOORS = (2, 6)
PARKING_CHANCE = 0.5
CURVE = 8e-4
JUNCTION_CHANCE = 0.5
# Chance of each kind of frontage, up to a factor.
FRONTAGE = dict(building=0.65, greenery=0.18, fence=0.12, wall=0.08, open=0.06)
# Mean number of each kind of object on the street (Poisson).
COUNTS = {
    **dict(car=3, truck=0.2, bus=0.2, train=0.12),
    **dict(person=6, rider=0.6, bicycle=1.5, motorcycle=0.4),
    **dict(sign=5, clutter=3),
}
# Distance of street trees and of lamp posts on one side.
TREE_SPACING = (9, 30)
POLE_SPACING = (14, 26)

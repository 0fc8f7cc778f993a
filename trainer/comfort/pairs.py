"""Which frames of a recording are compared, with where their pixels lie in each other."""

from trainer.comfort.correspondence import Correspondence, by_depth
from trainer.comfort.measurement import Pairs
from trainer.comfort.recording import Recording


def pairs_by_depth(recording: Recording, first: int, leap: int, every: int) -> Pairs:
    """Of a recording with depth: each frame from `first` on with the one before, and every `every`-th with the one
    `leap` frames before and with the right eye's.
    """  # fmt: skip
    views = recording.views
    left = [view.distance(0) for view in views]

    def between(number: int, other: int) -> Correspondence:
        return by_depth(left[number], views[number].eyes[0], left[other], views[other].eyes[0])

    seldom = range(first, len(views), every)
    return Pairs(
        leap,
        {number: between(number, number - 1) for number in range(max(1, first), len(views))},
        {number: between(number, number - leap) for number in seldom if number - leap >= first},
        {number: by_depth(left[number], views[number].eyes[0], views[number].distance(1), views[number].eyes[1])
         for number in seldom},
    )  # fmt: skip

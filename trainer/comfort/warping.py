"""How much a picture differs from another one that is brought to where it belongs: the warping error."""

from trainer.comfort.correspondence import Correspondence, Picture, taken_from


def warping_error(picture_HWC: Picture, other_HWC: Picture, where: Correspondence) -> float:
    """The mean absolute difference of RGB in [0, 1] over the pixels of `picture` that the other one sees as well.

    Not squared, as it is in Lai et al., Learning Blind Video Temporal Consistency (2018), who take the optical flow of
    the source, too: a mean of squares is that of the few worst pixels. Not a number where no pixel is seen by both.
    """
    if not where.seen_HW.any():
        return float("nan")
    difference_HWC = abs(picture_HWC - taken_from(other_HWC, where.place_HW2))
    return float(difference_HWC[where.seen_HW].mean())

"""Going round the ways to keep paint calm."""

from dataclasses import replace

import pytest

from artem_vr.comfort import PLAIN, Comfort
from artem_vr.comfort_control import ComfortControl
from artem_vr.config import PreviewOptions, check
from artem_vr.errors import UsageError
from artem_vr.ports import Action

HEADLESS = {"headless": True, "frames": 1}


def _round(control: ComfortControl) -> list[tuple[Comfort, bool]]:
    """All stops, from where it is until it is there again."""
    stops = [(control.comfort, control.split)]
    while True:
        assert control.handle(Action.NEXT_COMFORT)
        if (control.comfort, control.split) == stops[0]:
            return stops
        assert len(stops) < 10, "it does not come round"
        stops.append((control.comfort, control.split))


@pytest.mark.parametrize("stereo", ["both", "shared", "one"])
def test_the_round_shows_every_way_once_and_comes_back(stereo: str) -> None:
    begun = Comfort(settle=0.3, steady=2.0, stereo=stereo)
    stops = _round(ComfortControl(begun))
    assert stops[0] == (begun, False)
    assert len(set(stops)) == len(stops)
    assert {comfort.stereo for comfort, _ in stops if comfort.carry} == {"both", "shared", "one"}
    assert all(comfort.settle == 0.3 for comfort, _ in stops if comfort != PLAIN)
    assert (PLAIN, False) in stops
    split, is_split = stops[-1]
    assert is_split
    assert split == (begun if stereo != "one" else Comfort(settle=0.3, steady=2.0, stereo="shared"))


def test_who_begins_with_nothing_can_see_what_there_is() -> None:
    stops = _round(ComfortControl(PLAIN))
    assert stops[0] == (PLAIN, False)
    assert stops.count((PLAIN, False)) == 1
    assert sum(comfort.carry for comfort, _ in stops) >= 3


def test_who_begins_foveated_sees_it_evenly_too() -> None:
    stops = _round(ComfortControl(Comfort(periphery=4)))
    assert [comfort.periphery for comfort, _ in stops].count(1) == 2, "evenly, and with nothing kept calm"
    nothing = replace(PLAIN, periphery=2)
    control = ComfortControl(nothing)
    assert control.caption == ["nothing kept calm, finest in the middle"]
    stops = _round(control)
    assert len({comfort for comfort, split in stops if not split}) == len(stops) - 1
    assert stops[-1][0].carry, "half and half are unlike"


def test_what_the_engine_cannot_do_is_passed_over() -> None:
    can = False
    control = ComfortControl(Comfort(), can_foveate=lambda: can)
    assert all(comfort.periphery == 1 for comfort, _ in _round(control))
    can = True
    assert any(comfort.periphery > 1 for comfort, _ in _round(control))


def test_a_split_may_be_the_beginning_and_every_stop_has_a_caption_of_its_own() -> None:
    control = ComfortControl(Comfort(), split=True, before_left=False)
    assert control.split
    assert not control.before_left
    assert not control.has_changed
    captions = []
    for _ in _round(ComfortControl(Comfort(), split=True)):
        captions.append(tuple(control.caption))
        control.handle(Action.NEXT_COMFORT)
    assert len(set(captions)) == len(captions) > 4
    assert not control.has_changed, "round once"
    control.handle(Action.NEXT_COMFORT)
    assert control.has_changed
    assert not control.handle(Action.NEXT_STYLE)


def test_options_name_what_is_asked_for_and_leave_the_rest() -> None:
    assert PreviewOptions().comfort(on_processor=False) == Comfort()
    assert PreviewOptions().comfort(on_processor=True) == Comfort(stereo="one")
    asked = PreviewOptions(stereo="both", settle=0.5, steady=0.0).comfort(on_processor=True)
    assert asked == Comfort(settle=0.5, steady=0.0, stereo="both")
    assert PreviewOptions(foveated=True).comfort(on_processor=False) == Comfort(periphery=2)
    assert PreviewOptions(foveated=True, periphery="quarter").comfort(on_processor=False) == Comfort(periphery=4)
    assert PreviewOptions(periphery="half").comfort(on_processor=False) == Comfort(periphery=2)
    assert PreviewOptions(carry=False).comfort(on_processor=True).stereo == "shared", "nothing can be borrowed"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("stereo", "mono", "both, shared, one"),
        ("settle", -1.0, "--settle -1"),
        ("steady", 1e9, "--steady"),
        ("settle", float("nan"), "--settle nan"),
        ("split", "left", "before, after"),
        ("periphery", "third", "half, quarter"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(option: str, value: object, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        check(PreviewOptions(**HEADLESS, **{option: value}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "comfort", "pictures"),
    [
        ({}, Comfort(stereo="one"), 1),
        ({}, Comfort(stereo="one", carry=False), 2),
        ({}, Comfort(stereo="shared"), 2),
        ({"source": "webcam:0"}, Comfort(stereo="shared"), 1),
        ({"source": "webcam:0"}, Comfort(stereo="both"), 2),
        ({"source": "stereo:0"}, Comfort(stereo="one"), 2),
        ({"source": "screen", "side_by_side": True}, Comfort(stereo="one"), 2),
        ({}, Comfort(stereo="one", periphery=2), 2),
        ({}, Comfort(periphery=4), 6),
        ({"source": "webcam:0"}, Comfort(periphery=2), 2),
    ],
)
def test_an_engine_is_made_ready_for_as_many_pictures_as_come(asked: dict, comfort: Comfort, pictures: int) -> None:
    assert PreviewOptions(**asked).pictures(comfort) == pictures

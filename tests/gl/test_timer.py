"""The GPU timer against a device that works when the test says, and against OpenGL itself."""

import itertools
import time
from collections.abc import Iterator

import moderngl
import pytest

from artem_vr.gl.context import is_software
from artem_vr.gl.framebuffer import release_framebuffer
from artem_vr.gl.timer import GpuSpan, GpuTimer, open_timer

SECOND, PAUSE = 1_000_000_000, 1_000_000


class FakeDevice:
    """Timer queries of a device that writes its stamps when it is told to `work`.

    Its clock is `ahead` of the processor's, wraps around after `counter_bits`, and a stamp that is asked for before it
    is there fails the test, where OpenGL would wait.
    """

    def __init__(self, counter_bits: int = 64, ahead: int = 70 * SECOND) -> None:
        self.counter_bits, self.ahead = counter_bits, ahead
        self.time = 100 * SECOND
        self.given: list[int] = []
        self.stamps: dict[int, int] = {}
        self.alive: set[int] = set()
        self.asked: list[int] = []

    def seconds(self) -> float:
        return self.time / SECOND

    def create(self, count: int) -> list[int]:
        self.alive = set(range(1, count + 1))
        return sorted(self.alive)

    def stamp(self, query: int) -> None:
        assert query in self.alive
        self.stamps.pop(query, None)
        self.given.append(query)

    def work(self, *pauses: int) -> None:
        """Passes the stamps given so far, one after each of the pauses, in nanoseconds."""
        for pause in pauses:
            self.time += pause
            self.stamps[self.given.pop(0)] = self.now()

    def is_available(self, query: int) -> bool:
        self.asked.append(query)
        return query in self.stamps

    def nanoseconds(self, query: int) -> int:
        return self.stamps[query]

    def now(self) -> int:
        return (self.time + self.ahead) % (1 << self.counter_bits)

    def delete(self, queries: list[int]) -> None:
        assert set(queries) == self.alive
        self.alive = set()


class Rig:
    def __init__(self, queries: int = 16, **device: int) -> None:
        self.device = FakeDevice(**device)
        self.told: list[GpuSpan] = []
        self.timer = GpuTimer(self.device, self.told.append, self.device.seconds, queries)

    def frame(self, *stages: str) -> None:
        """Stages that do not follow each other at once."""
        for stage in stages:
            self.device.time += PAUSE
            with self.timer.stage(stage):
                pass
        self.timer.end_frame()


def test_a_span_is_told_when_the_device_is_done_with_it():
    rig = Rig()
    rig.frame("compose")
    rig.frame()
    assert rig.told == []
    rig.device.work(5_000_000)
    rig.frame()
    assert rig.told == []  # it has begun
    rig.device.work(2_000_000)
    rig.frame()
    assert [span.name for span in rig.told] == ["compose"]
    assert rig.told[0].begin == pytest.approx(100.006) and rig.told[0].end == pytest.approx(100.008)


def test_a_frame_does_not_ask_for_its_own_spans():
    rig = Rig()
    with rig.timer.stage("source"):
        pass
    rig.device.work(1, 1)
    rig.timer.end_frame()
    assert rig.device.asked == []
    rig.timer.end_frame()
    assert len(rig.told) == 1


def test_spans_are_told_in_order_though_they_come_in_at_once():
    rig = Rig()
    for number in range(3):
        rig.frame(f"source {number}", f"show {number}")
    rig.device.work(*range(1000, 1012))
    rig.frame()
    assert [span.name for span in rig.told] == [f"{stage} {n}" for n in range(3) for stage in ("source", "show")]
    assert all(one.end <= other.begin for one, other in itertools.pairwise(rig.told))


def test_a_stage_that_begins_where_another_ended_shares_its_stamp():
    rig = Rig(queries=6)
    for _ in range(5):  # none of the queries gets lost
        for stage in ("upload", "compose", "show"):
            with rig.timer.stage(stage):
                pass
        rig.timer.end_frame()
        assert len(rig.device.given) == 4
        rig.device.work(10, 1000, 2000, 3000)
        rig.device.time += PAUSE
        rig.timer.end_frame()
    assert [span.name for span in rig.told] == 5 * ["upload", "compose", "show"] and rig.timer.lost == 0
    durations = [round((span.end - span.begin) * SECOND) for span in rig.told]
    assert durations == pytest.approx(5 * [1000, 2000, 3000], abs=2)


def test_stamps_are_not_shared_between_frames():
    rig = Rig()
    for _ in range(2):
        with rig.timer.stage("source"):
            pass
        rig.timer.end_frame()
    assert len(rig.device.given) == 4


def test_a_device_too_far_behind_is_not_waited_for():
    rig = Rig(queries=4)
    for number in range(5):
        rig.frame(str(number))
    assert rig.timer.lost == 3
    rig.device.work(1, 1, 1, 1)
    rig.frame("next")
    rig.frame("after")
    rig.device.work(1, 1)
    rig.frame()
    assert [span.name for span in rig.told] == ["0", "1", "after"]  # "next" came before its queries were free


@pytest.mark.parametrize("bits", [30, 36])
def test_a_clock_that_wraps_around_is_followed(bits: int):
    rig = Rig(counter_bits=bits, ahead=(1 << bits) - 100 * SECOND % (1 << bits) - 2 * PAUSE)
    rig.frame("compose")
    rig.device.work(500_000, 2_000_000)
    rig.frame()
    (span,) = rig.told
    assert span.begin == pytest.approx(100.0015) and span.end - span.begin == pytest.approx(0.002)


def test_stamps_that_make_no_sense_are_left_out():
    rig = Rig()
    rig.frame("backwards", "lost", "good")
    rig.device.work(10, -5, 10, 10, 10, 10)
    rig.device.stamps[sorted(rig.device.stamps)[3]] = 0
    rig.frame()
    assert [span.name for span in rig.told] == ["good"]


def test_the_clocks_are_compared_again():
    rig = Rig()
    rig.device.ahead += 3 * SECOND  # the device's clock jumped, as after it slept
    rig.device.time += 6 * SECOND
    rig.frame()
    rig.frame("compose")
    rig.device.work(1_000_000, 1_000_000)
    rig.frame()
    assert rig.told[0].begin == pytest.approx(106.002)


def test_an_error_within_a_stage_leaves_the_timer_in_order():
    rig = Rig(queries=2)
    with pytest.raises(RuntimeError), rig.timer.stage("source"):
        raise RuntimeError
    rig.device.work(1, 1)
    rig.frame()
    rig.frame()
    rig.frame("compose")
    rig.device.work(1, 1)
    rig.frame()
    assert [span.name for span in rig.told] == ["source", "compose"]


def test_closing_gives_all_queries_back_once():
    rig = Rig()
    rig.frame("source")
    rig.timer.close()
    rig.timer.close()
    assert rig.device.alive == set()
    rig.frame("compose")
    assert rig.told == [] and rig.timer.lost == 1


def test_without_a_clock_in_opengl_there_is_no_timer(ctx: moderngl.Context, monkeypatch: pytest.MonkeyPatch):
    from artem_vr.gl import timer_queries

    monkeypatch.setattr(timer_queries, "GlTimerQueries", lambda ctx: FakeDevice(counter_bits=0))
    assert open_timer(ctx, lambda span: None) is None

    monkeypatch.undo()
    monkeypatch.setattr(timer_queries.PLATFORM, "getExtensionProcedure", lambda name: None, raising=False)
    assert open_timer(ctx, lambda span: None) is None


class Painter:
    """Draws as much as it is asked to, into one of two pictures in turn, as stages do."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._program = ctx.program(
            vertex_shader="""#version 330
            void main() { gl_Position = vec4(4.0 * ivec2(gl_VertexID & 1, gl_VertexID >> 1) - 1.0, 0.0, 1.0); }""",
            fragment_shader="""#version 330
            uniform int rounds; out vec4 color;
            void main() {
                float sum = 0.0; for (int i = 0; i < rounds; i++) sum += sin(gl_FragCoord.x + float(i));
                color = vec4(sum);
            }""",
        )
        self._triangle = ctx.vertex_array(self._program, [])
        self._targets = [ctx.framebuffer([ctx.texture((256, 256), 4)]) for _ in range(2)]

    def draw(self, target: int, rounds: int) -> None:
        self._targets[target].use()
        self._program["rounds"] = rounds
        self._triangle.render(vertices=3)

    def release(self) -> None:
        for target in self._targets:
            target.color_attachments[0].release()
            release_framebuffer(target)


@pytest.fixture
def painter(ctx: moderngl.Context) -> Iterator[Painter]:
    painter = Painter(ctx)
    yield painter
    painter.release()


def test_opengl_tells_what_drawing_took(ctx: moderngl.Context, painter: Painter):
    told: list[GpuSpan] = []
    timer = open_timer(ctx, told.append)
    if timer is None:
        pytest.skip("OpenGL keeps no time here")
    painter.draw(0, 1)  # what is drawn with is compiled now
    ctx.finish()
    frames, started = 5, time.perf_counter()
    for _ in range(frames):
        for stage, target, rounds in (("light", 0, 2), ("heavy", 1, 400)):
            with timer.stage(stage):
                painter.draw(target, rounds)
        timer.end_frame()
        ctx.finish()  # the test may wait; the timer never does
    ended = time.perf_counter()
    timer.end_frame()
    timer.close()
    assert [span.name for span in told] == frames * ["light", "heavy"] and timer.lost == 0
    # The shortest of each: other programs lengthen some, and shorten none.
    shortest = {name: min(span.end - span.begin for span in told if span.name == name) for name in ("light", "heavy")}
    assert shortest["heavy"] > 3 * shortest["light"]
    assert sum(span.end - span.begin for span in told) <= ended - started
    # Both clocks were compared, so the spans lie where the drawing was, within what the comparison may be off.
    slack = 0.25 * (ended - started)
    assert started - slack <= told[0].begin and told[-1].end <= ended + slack
    assert ctx.error == "GL_NO_ERROR"


def test_software_opengl_does_not_put_both_stamps_behind_the_drawing(ctx: moderngl.Context, painter: Painter):
    """It collects all commands for one picture, and would carry out the first stamp with the last."""
    if not is_software(ctx):
        pytest.skip("a graphics card draws here")
    told: list[GpuSpan] = []
    timer = open_timer(ctx, told.append)
    assert timer is not None
    walls: list[float] = []
    for _ in range(5):
        painter.draw(0, 1)
        ctx.finish()
        started = time.perf_counter()
        with timer.stage("heavy"):
            painter.draw(0, 400)
        ctx.finish()
        walls.append(time.perf_counter() - started)
        timer.end_frame()
    timer.end_frame()
    timer.close()
    assert max((span.end - span.begin) / wall for span, wall in zip(told, walls, strict=True)) > 0.5

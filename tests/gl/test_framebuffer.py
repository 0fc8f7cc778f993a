import moderngl

from artem_vr.gl.framebuffer import release_framebuffer


def test_whoever_draws_next_meets_no_error(ctx: moderngl.Context) -> None:
    texture = ctx.texture((4, 4), 4)
    used, other = ctx.framebuffer([texture]), ctx.framebuffer([texture])
    used.use()
    release_framebuffer(used)
    release_framebuffer(used)
    assert ctx.error is not None  # reading takes away what an earlier test left
    other.clear(1.0, 0.0, 0.0)
    assert other.read(viewport=(1, 1)) == b"\xff\x00\x00"
    assert ctx.error == "GL_NO_ERROR"
    release_framebuffer(other)
    texture.release()


def test_what_is_bound_stays_bound_when_another_is_released(ctx: moderngl.Context) -> None:
    texture = ctx.texture((4, 4), 4)
    bound, other = ctx.framebuffer([texture]), ctx.framebuffer([texture])
    bound.use()
    release_framebuffer(other)
    assert ctx.fbo is bound
    release_framebuffer(bound)
    texture.release()

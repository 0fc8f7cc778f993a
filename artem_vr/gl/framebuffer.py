"""Giving framebuffers back without leaving an OpenGL error for whoever draws next."""

import moderngl


def release_framebuffer(framebuffer: moderngl.Framebuffer) -> None:
    """Frees a framebuffer, and binds the default one first where this is the one that is bound. May be called twice.

    After making, clearing or reading a framebuffer, moderngl binds again what was bound before. Where that has been
    deleted meanwhile, OpenGL answers GL_INVALID_OPERATION.
    """
    ctx = framebuffer.ctx
    if ctx.fbo is framebuffer:
        ctx.detect_framebuffer(0).use()
    framebuffer.release()

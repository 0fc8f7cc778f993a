"""Which keys of a desktop keyboard ask for what, and the help that says so."""

import glfw

from artem_vr.ports import Action

ACTIONS = {
    glfw.KEY_RIGHT: Action.NEXT_STYLE,
    glfw.KEY_LEFT: Action.PREVIOUS_STYLE,
    glfw.KEY_UP: Action.MORE,
    glfw.KEY_DOWN: Action.LESS,
    glfw.KEY_SPACE: Action.TOGGLE_PLAIN,
    glfw.KEY_C: Action.NEXT_COMFORT,
    glfw.KEY_S: Action.SNAPSHOT,
    glfw.KEY_H: Action.HELP,
    glfw.KEY_F: Action.FULLSCREEN,
    glfw.KEY_ESCAPE: Action.QUIT,
}

REPEATING = {Action.MORE, Action.LESS}
"""What goes on while the key is held down."""

RETURN_TO_PATH = glfw.KEY_R

WALK = {
    glfw.KEY_W: (0.0, 0.0, 1.0),
    glfw.KEY_S: (0.0, 0.0, -1.0),
    glfw.KEY_A: (-1.0, 0.0, 0.0),
    glfw.KEY_D: (1.0, 0.0, 0.0),
    glfw.KEY_E: (0.0, 1.0, 0.0),
    glfw.KEY_Q: (0.0, -1.0, 0.0),
}
"""Steps to the right, up and forward, for the keys that walk while a mouse button is held."""

HELP = [
    "left, right\tprevious, next painter",
    "up, down\tmore, less paint",
    "space\toriginal or painted",
    "C\tnext way to keep paint calm, to compare",
    "S\tsave a snapshot",
    "F\tfull screen",
    "H\tthis help",
    "mouse button held\tlook around; W A S D walk, Q E down and up",
    "R\tback to the guided walk",
    "escape\tquit",
]
"""Lines for `Display.show_text`: the key, a tab, what it does."""

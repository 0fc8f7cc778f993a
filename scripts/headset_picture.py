"""Makes docs/images/headset.jpg: the window of an OpenXR runtime in software, with the panel open.

Needs the runtime that `make openxr-runtime` fetches, and Xvfb.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageGrab

ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "tests" / "xr"), str(ROOT / "benchmarks")]

from headset_pace import screen  # noqa: E402
from launch import python_with_runtime  # type: ignore[import-not-found]  # noqa: E402
from monado import Service, find_runtime  # type: ignore[import-not-found]  # noqa: E402

PICTURE = ROOT / "docs" / "images" / "headset.jpg"
WIDTH = 1600
PRESS, RELEASE, FRAMES = 44, 46, 60
NET_SIZE = 608, 688
EYE_SCALE = 0.8


def show(display: str, target: Path) -> None:
    """The painted courtyard with the panel open, and a screenshot of it."""
    from remote import Remote  # type: ignore[import-not-found]

    from artem_vr import live
    from artem_vr.config import VrOptions
    from artem_vr.displays.openxr import display as openxr_display
    from artem_vr.xr import gestures

    # At a few frames a second a short press would seem a long one.
    gestures.QUIT_HINT, gestures.QUIT_PRESS = 3.0, 6.0
    openxr_display.WELCOME_SECONDS = 0.0  # or the press would close the panel
    with Remote() as remote:

        def on_frame(count: int) -> None:
            if count == PRESS:
                remote.press("left", "b_click")
            if count == RELEASE:
                remote.release("left", "b_click")
            if count == FRAMES:
                ImageGrab.grab(xdisplay=display).save(target)

        live.vr(VrOptions(style="great-wave", net_size=NET_SIZE, eye_scale=EYE_SCALE, frames=FRAMES), on_frame)


def main() -> None:
    """Starts the runtime and, in a Python that can load it, the show."""
    if len(sys.argv) == 4:
        show(sys.argv[2], Path(sys.argv[3]))
        return
    runtime = find_runtime()
    with (
        python_with_runtime(print) as interpreter,
        tempfile.TemporaryDirectory() as folder,
        screen("1920x1080") as display,
    ):
        environment = {**interpreter.environment, "XRT_COMPOSITOR_XCB_FULLSCREEN": "1"}
        service = Service(runtime, Path(environment["HOME"]))
        service.start(window=display, XRT_COMPOSITOR_XCB_FULLSCREEN="1")
        grabbed = Path(folder) / "window.png"
        try:
            command = [*interpreter.command, str(Path(__file__)), "--inside", display, str(grabbed)]
            subprocess.run(command, env=environment, check=True, cwd=ROOT)
        finally:
            service.stop()
        picture = Image.open(grabbed).convert("RGB")
    picture = picture.crop(picture.getbbox())
    picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS).save(
        PICTURE, quality=85
    )
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

"""The README's links lead somewhere, and its commands exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_relative_link_and_picture_exists():
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", TEXT)
    assert len(links) >= 4
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_nothing_is_left_to_be_filled_in():
    assert not re.search(r"^[A-Z]{4,}$|TODO|TBD|XXX", TEXT, re.MULTILINE)


def test_every_command_and_option_named_exists(command_line):
    lines = re.findall(r"^artem-vr (\w+(?: add\b)?)(.*)$", TEXT, re.MULTILINE)
    assert {command for command, _ in lines} >= {"preview", "stylize", "styles", "styles add", "bench", "train"}
    for command in {command for command, _ in lines}:
        code, shown, _ = command_line(*command.split(), "--help")
        assert code == 0
        for options in (rest.split("#")[0] for name, rest in lines if name == command):
            for option in re.findall(r"--[a-z-]+", options):
                assert option in shown, f"{command} {option}"


def test_every_make_target_named_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make ([a-z]+)`?", TEXT)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

"""`artem-vr styles` as a group of commands, and the pictures that it learns on where there are no photographs."""

import numpy as np
import pytest

from artem_vr.app import scene_pictures


def test_the_list_is_what_styles_does_when_nothing_else_is_said(command_line):
    assert command_line("styles", "scream").stdout == command_line("styles", "list", "scream").stdout != ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("styles", "--nonsense"), "'artem-vr styles list --help'"),
        (("styles", "add"), "'artem-vr styles add --help'"),
        (("styles", "add", "x.png"), "--name"),
        (("evaluate", "--data", "nowhere"), "--data"),
        (("evaluate", "missing.safetensors"), "missing.safetensors"),
        (("evaluate", "--sheet", "nowhere/sheet.png"), "--sheet nowhere/sheet.png"),
    ],
)
def test_a_mistake_names_the_command_to_ask(arguments, said, command_line):
    result = command_line(*arguments)
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1 and said in result.stderr


def test_help_shows_both_commands(command_line):
    shown = command_line("styles", "--help").stdout
    assert "list" in shown and "add" in shown and "--name" in shown


@pytest.mark.usefixtures("shared_ctx")
def test_the_scene_gives_different_upright_pictures():
    pictures = list(scene_pictures((64, 48), 3))
    assert [picture.shape for picture in pictures] == [(48, 64, 3)] * 3
    for picture in pictures:
        assert picture.dtype == np.uint8 and picture.std() > 10
        sky, ground = picture[:8].astype(float), picture[-8:].astype(float)
        assert sky[..., 2].mean() > ground[..., 2].mean(), "the sky is bluer than the ground"
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() > 5

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from banks import random_bank, tiny_recipe

from artem_vr.arithmetic import count_flops
from artem_vr.engines.loading import load_network
from artem_vr.errors import InputError, UsageError
from trainer import network_table
from trainer.network_table import Row, measure_row, read_rows, render, write_row

WIDE = Row("wide", "compact", 431_808, 1_500_000_000, 9.5, 3.21)
NARROW = Row("narrow", "compact", 284_352, 1_100_000_000, 7.25, 3.4)
JOHNSON = Row("transformer, nearest", "johnson", 1_676_035, 39_000_000_000, 310.0, 3.0)


@pytest.mark.parametrize("kind", ["compact", "johnson"])
def test_a_bank_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(network_table, "SHAPE", (1, 32, 48))
    bank = random_bank(tmp_path, tiny_recipe(kind=kind))
    row = measure_row(bank, 2.3456789, runs=3)
    assert (row.name, row.kind, row.validation) == ("tiny", kind, 2.34568)
    network = load_network(bank)
    assert row.parameters == sum(weight.numel() for weight in network.parameters())
    flops = count_flops(network, torch.zeros(1, 3, 32, 48), torch.from_numpy(bank.styles_SD[:1]))
    assert row.macs == flops // 2
    assert row.milliseconds > 0
    assert measure_row(bank, 1.0, "another", runs=1).name == "another"


def test_rows_are_sorted_by_arithmetic_and_replaced_by_name(tmp_path: Path) -> None:
    path = tmp_path / "new" / "networks.csv"
    for row in (JOHNSON, WIDE, NARROW):
        write_row(path, row)
    assert read_rows(path) == [NARROW, WIDE, JOHNSON]
    better = replace(NARROW, macs=2_000_000_000, validation=3.1)
    write_row(path, better)
    assert read_rows(path) == [WIDE, better, JOHNSON]
    assert [item.name for item in path.parent.iterdir()] == ["networks.csv"]


def test_the_table_as_markdown(tmp_path: Path) -> None:
    path = tmp_path / "networks.csv"
    write_row(path, WIDE)
    write_row(path, replace(NARROW, name="a|b"))
    assert render(path).splitlines() == [
        "| network | kind | parameters | GMACs | ms | validation loss |",
        "|---|---|---:|---:|---:|---:|",
        "| a\\|b | compact | 284,352 | 1.10 | 7.2 | 3.400 |",
        "| wide | compact | 431,808 | 1.50 | 9.5 | 3.210 |",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name,kind\nwide,compact\n",
        "name,kind,parameters,macs,milliseconds,validation\nwide,compact,many,2,3,4\n",
        "name,kind,parameters,macs,milliseconds,validation\nwide,compact,1,2\n",
        "name,kind,parameters,macs,milliseconds,validation\nwide,compact,1,2,3,4,5\n",
        'name,kind,parameters,macs,milliseconds,validation\n"wide,compact\n',
        "\x00",
        "\udcff",
    ],
)
def test_another_kind_of_table_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "networks.csv"
    path.write_bytes(text.encode(errors="surrogateescape"))
    for use in (read_rows, render, lambda path: write_row(path, WIDE)):
        with pytest.raises(InputError, match=r"networks\.csv is not a table of networks") as error:
            use(path)
        assert "\n" not in str(error.value)
    assert path.read_bytes() == text.encode(errors="surrogateescape")


def test_a_missing_table_cannot_be_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a table of networks"):
        render(tmp_path / "networks.csv")


def test_a_failure_leaves_the_old_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "networks.csv"
    write_row(path, WIDE)

    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainer.network_table.csv.DictWriter.writeheader", disk_full)
    with pytest.raises(UsageError, match="cannot write the table of networks"):
        write_row(path, NARROW)
    assert read_rows(path) == [WIDE]
    assert [item.name for item in tmp_path.iterdir()] == ["networks.csv"]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write to"):
        write_row(tmp_path / "file" / "networks.csv", WIDE)

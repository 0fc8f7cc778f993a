"""Weights from files of torch.save, of which nothing is ever executed."""

import os
import pickle
import random
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from trainer.torch_file import read_state_dict

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
HEADER = b"".join(
    pickle.dumps(value, protocol=2)
    for value in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}})
)


def save(value: object, path: Path, zipped: bool) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    return path


def assert_as_torch_loads(path: Path) -> None:
    expected, found = torch.load(path, weights_only=True), read_state_dict(path)
    assert list(found) == list(expected)
    for name, array in found.items():
        assert array.dtype == np.float32 and array.flags.c_contiguous and array.flags.owndata
        np.testing.assert_array_equal(array, expected[name].detach().numpy(), strict=True)


@FORMATS
def test_the_state_of_a_module(tmp_path: Path, zipped: bool) -> None:
    layers = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Linear(7, 2, bias=False))
    assert_as_torch_loads(save(layers.state_dict(), tmp_path / "a.pth", zipped))
    assert_as_torch_loads(save(layers.state_dict(keep_vars=True), tmp_path / "parameters.pth", zipped))
    assert_as_torch_loads(save(dict(layers.state_dict()), tmp_path / "plain.pth", zipped))
    assert_as_torch_loads(save({}, tmp_path / "empty.pth", zipped))


@FORMATS
def test_views_of_one_storage(tmp_path: Path, zipped: bool) -> None:
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    views = {
        "whole": base, "transposed": base.permute(2, 0, 1), "later": base[1:, 2], "every other": base[:, ::2, ::3],
        "one": base[2, 3, 4], "none": base[:0], "again": base, "other": torch.randn(4),
        "channels last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last), "flat": base[1:2, :, 1:2],
    }  # fmt: skip
    assert_as_torch_loads(save(views, tmp_path / "a.pth", zipped))


@FORMATS
def test_many_storages(tmp_path: Path, zipped: bool) -> None:
    """More than one byte counts, and keys that do not sort as they were made."""
    assert_as_torch_loads(save({f"t{n}": torch.randn(n % 7 + 1) for n in range(300)}, tmp_path / "a.pth", zipped))


@FORMATS
def test_only_what_begins_with_a_prefix_is_read(tmp_path: Path, zipped: bool) -> None:
    path = save({"features.0": torch.ones(2), "classifier.0": torch.zeros(10_000)}, tmp_path / "a.pth", zipped)
    assert list(read_state_dict(path, "features.")) == ["features.0"]


@FORMATS
@pytest.mark.parametrize(
    "value",
    [
        {"a": torch.ones(2, dtype=torch.float16)},
        {"a": torch.ones(2, dtype=torch.float64)},
        {"a": torch.ones(2, dtype=torch.bfloat16)},
        {"a": torch.ones(2), "count": torch.tensor(3)},
        {"a": torch.ones(2), "epoch": 3},
        {"state": {"a": torch.ones(2)}},
        {1: torch.ones(2)},
        {"a": torch.ones(1).expand(1000)},
        {"a": torch.eye(3).to_sparse()},
        [torch.ones(2)],
        torch.ones(2),
        "text",
    ],
    ids=str,
)
def test_what_is_no_state_dict_of_floats_is_refused(tmp_path: Path, value: object, zipped: bool) -> None:
    with pytest.raises(ValueError) as error:
        read_state_dict(save(value, tmp_path / "a.pth", zipped))
    assert "\n" not in str(error.value)


class Evil:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.mark}",)


@FORMATS
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path: Path, zipped: bool) -> None:
    mark = tmp_path / "mark"
    path = save({"a": torch.ones(2), "b": Evil(mark)}, tmp_path / "a.pth", zipped)
    torch.load(path, weights_only=False)
    assert mark.exists(), "the pickle is not malicious"
    mark.unlink()
    with pytest.raises(ValueError, match=r"a call of .*system, which no state dict needs"):
        read_state_dict(path)
    with pytest.raises(ValueError, match="which no state dict needs"):
        read_state_dict(path, "a")
    assert not mark.exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cos\nsystem\n(S'true'\ntR.",  # protocol 0
        b"\x80\x02(S'true'\nios\nsystem\n.",  # INST
        b"\x80\x02cos\nsystem\nU\x04true\x85\x81.",  # NEWOBJ
        b"\x80\x02cos\nsystem\n}b.",  # BUILD
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",  # STACK_GLOBAL
        b"\x80\x02\x82\x01.",  # an extension's number
        b"\x80\x05\x96\0\0\0\0\0\0\x08\0.",  # a longer value than any memory holds
        b"\x80\x02}(K\x01K\x02u.", b"\x80\x02}(U\x01au.", b"\x80\x02]]s.", b"\x80\x02K\x01K\x02a.", b"\x80\x02t.",
        b"\x80\x02h\x05.", b"\x80\x02R.", b"\x80\x02.", b"\x80\x02NN.", b"\x80\x02}(.", b"\x80\x02]Q.",
        b"\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuJ\xff\xff\xff\xfftQ.",
        b"\x80\x02(U\x07storagectorch\nByteStorage\nU\x010U\x03cpuK\x01tQ.",
        b"\x80\x02ccollections\nOrderedDict\n]]K\x01a\x85R.",
        b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.",
    ],
)  # fmt: skip
@FORMATS
def test_pickles_that_are_broken_or_strange_are_refused(tmp_path: Path, code: bytes, zipped: bool) -> None:
    path = tmp_path / "a.pth"
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", code)
    else:
        path.write_bytes(HEADER + code + pickle.dumps([], protocol=2))
    with pytest.raises(ValueError):
        read_state_dict(path)


def early(tensor: bytes, keys: list[str], floats: list[float]) -> bytes:
    """A file as torch 0.1 wrote it with Python 3: one tensor, `weight`."""
    dictionary = b"\x80\x02ccollections\nOrderedDict\n)RX\x06\0\0\0weight" + tensor + b"s."
    storages = struct.pack(f"<q{len(floats)}f", len(floats), *floats)
    return HEADER + dictionary + pickle.dumps(keys, protocol=2) + storages


REBUILD = b"ctorch._utils\n_rebuild_tensor\n("
STORAGE = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x02\0\0\x0042X\x06\0\0\0cuda:0K\x06"
PLACE = b"K\x01K\x01K\x03\x86K\x02K\x01\x86"  # offset 1, shape (1, 3), strides (2, 1)
FLAGS = b"\x88\x89N\x87"  # requires gradients, not volatile, no hooks


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (REBUILD + STORAGE + b"NtQ" + PLACE + b"tR", [[1, 2, 3]]),
        (REBUILD + STORAGE + b"X\x01\0\0\x007K\x02K\x04\x87tQ" + PLACE + b"tR", [[3, 4, 5]]),
        (b"ctorch\nFloatTensor\n)R(" + STORAGE + b"NtQ" + PLACE + b"tb", [[1, 2, 3]]),
        (b"ctorch\nFloatTensor\n)\x81(" + STORAGE + b"NtQ" + PLACE + b"tb", [[1, 2, 3]]),
        (
            b"ctorch.nn.parameter\nParameter\nctorch._utils\n_rebuild_tensor\n("
            + STORAGE + b"NtQ" + PLACE + b"tR\x85R" + FLAGS + b"b",
            [[1, 2, 3]],
        ),
        (
            b"ctorch.nn.parameter\nParameter\n)\x81(ctorch._utils\n_rebuild_tensor\n("
            + STORAGE + b"NtQ" + PLACE + b"tRNN\x88\x89tb",
            [[1, 2, 3]],
        ),
    ],
    ids=["tensor", "view", "FloatTensor", "FloatTensor made anew", "Parameter", "Parameter's older state"],
)  # fmt: skip
def test_tensors_as_the_first_versions_wrote_them(tmp_path: Path, tensor: bytes, expected: list[list[float]]) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(early(tensor, ["42"], [0, 1, 2, 3, 4, 5]))
    np.testing.assert_array_equal(read_state_dict(path)["weight"], np.array(expected, np.float32), strict=True)


@pytest.mark.parametrize(
    ("tensor", "keys", "says"),
    [
        (REBUILD + STORAGE + b"NtQ" + PLACE + b"tR", ["7"], "missing"),
        (REBUILD + STORAGE + b"NtQK\x04K\x03\x85K\x01\x85tR", ["42"], "larger than its"),
        (REBUILD + STORAGE + b"NtQK\x00K\x03\x85K\x01K\x01\x86tR", ["42"], "shape"),
        (REBUILD + STORAGE + b"NtQK\x00K\x03\x85J\xff\xff\xff\xff\x85tR", ["42"], "shape"),
        (b"ctorch._utils\n_rebuild_tensor\n(K\x05" + PLACE + b"tR", ["42"], "without storage"),
        (b"ctorch\nFloatTensor\n)R", ["42"], "without data"),
    ],
)
def test_tensors_that_cannot_be(tmp_path: Path, tensor: bytes, keys: list[str], says: str) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(early(tensor, keys, [0, 1, 2, 3, 4, 5]))
    with pytest.raises(ValueError, match=says):
        read_state_dict(path)


def test_python_2_gave_the_items_to_the_dictionary(tmp_path: Path) -> None:
    tensor = REBUILD + STORAGE + b"NtQ" + PLACE + b"tR"
    path = tmp_path / "a.pth"
    code = b"\x80\x02ccollections\nOrderedDict\n](](U\x06weight" + tensor + b"ee\x85R}U\x09_metadataNsb."
    path.write_bytes(HEADER + code + pickle.dumps(["42"], protocol=2) + struct.pack("<q6f", 6, *range(6)))
    assert read_state_dict(path)["weight"].tolist() == [[1, 2, 3]]


@FORMATS
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path, zipped: bool) -> None:
    state = OrderedDict(weight=torch.randn(4, 3), bias=torch.randn(4))
    whole = save(state, tmp_path / "whole.pth", zipped).read_bytes()
    path = tmp_path / "a.pth"
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError):
            read_state_dict(path)


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # pickletools, of a text that the damage made
@FORMATS
def test_a_damaged_file_is_refused_or_read(tmp_path: Path, zipped: bool) -> None:
    """Nothing but `ValueError` (of a seek to nowhere, `OSError`) comes of any byte that is another."""
    whole = save({"weight": torch.randn(4, 3), "bias": torch.randn(4)}, tmp_path / "whole.pth", zipped).read_bytes()
    path, chance = tmp_path / "a.pth", random.Random(5)
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            read_state_dict(path)
        except (ValueError, OSError) as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("content", [b"", b"text\n", b"PK\x03\x04", b"<html>not found</html>", bytes(1000)])
def test_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError):
        read_state_dict(path)


def test_big_endian_floats_and_compressed_records_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(save({"a": torch.ones(2)}, tmp_path / "a.pth", True)) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    path = tmp_path / "b.pth"
    for change, compression, says in (
        ({"a/byteorder": b"big"}, zipfile.ZIP_STORED, "big-endian"),
        ({"a/data/0": bytes(4)}, zipfile.ZIP_STORED, "its size"),
        ({}, zipfile.ZIP_DEFLATED, "its size"),
        ({"b/data.pkl": b""}, zipfile.ZIP_STORED, "did not write"),
    ):
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, data in (records | change).items():
                archive.writestr(name, data)
        with pytest.raises(ValueError, match=says):
            read_state_dict(path)

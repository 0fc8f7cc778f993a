"""Reads the weights of a state dict that `torch.save` wrote, without ever unpickling.

A pickle is a program, and running a stranger's is running a stranger's code. Here `pickletools` only takes it apart,
and the few instructions that a dictionary of float32 tensors needs are followed by hand; nothing is imported or
called, and whatever else stands there is refused. torch/serialization.py is where the two file formats are from.
"""

import io
import math
import pickletools
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION = 1001
_BYTES_PER_FLOAT = 4
_LONGEST_ARGUMENT = 1 << 16  # of one pickle instruction; the longest needed is a tensor's name
_ZIP_MAGIC = b"PK\x03\x04"

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# The two byte strings are what Python 2 wrote for its str.
_VALUES = {"BINUNICODE", "SHORT_BINSTRING", "BINSTRING", "BININT", "BININT1", "BININT2", "LONG1"}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_state_dict(path: Path, prefix: str = "") -> dict[str, NDArray[np.float32]]:
    """The tensors of a file whose names begin with `prefix`, in their order; no other is read from the disk.

    Takes what `torch.save` has written since 2017, the zip format and the one before it. Raises `ValueError` for
    anything that is not a dictionary of dense float32 tensors (other types are not converted), and for a truncated
    file; `OSError` when it cannot be read.
    """
    with path.open("rb") as file:
        try:
            tensors, floats = _open_zip(file) if file.read(4) == _ZIP_MAGIC else _open_legacy(file)
            storages: dict[str, NDArray[np.float32]] = {}
            found = {}
            for name, tensor in tensors.items():
                if name.startswith(prefix):
                    storage, offset, shape, strides = tensor.view()
                    if storage.key not in storages:
                        storages[storage.key] = floats(storage)
                    found[name] = _strided(storages[storage.key], storage.offset + offset, shape, strides)
            return found
        # Of a broken archive, an encrypted one, one of an unknown kind; numbers that numpy cannot hold.
        except (zipfile.BadZipFile, EOFError, KeyError, RuntimeError, OverflowError) as error:
            raise ValueError(f"a broken file: {error}") from error


@dataclass(frozen=True)
class _Global:
    """The name of something that the pickle would import."""

    name: str


@dataclass(frozen=True)
class _Storage:
    """A run of `size` floats in the file; a tensor's own offset counts from `offset`."""

    key: str
    size: int
    offset: int


@dataclass
class _Tensor:
    """Storage, offset, shape and strides, as they stand in the pickle; None before they are known."""

    arguments: tuple[Any, ...] | None = None

    def view(self) -> tuple[_Storage, int, tuple[int, ...], tuple[int, ...]]:
        """The same, checked. Raises `ValueError`."""
        if self.arguments is None or len(self.arguments) != 4:
            raise ValueError("a tensor without data")
        storage, offset, shape, strides = self.arguments
        if not isinstance(storage, _Storage):
            raise ValueError("a tensor without storage")
        if not isinstance(shape, tuple) or not isinstance(strides, tuple) or len(shape) != len(strides):
            raise ValueError("a tensor without a shape")
        if not all(type(number) is int and number >= 0 for number in (offset, *shape, *strides)):
            raise ValueError("a tensor whose shape is not of whole numbers")
        last = storage.offset + offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
        # Repeated elements are refused with it, for they could name more than any memory holds.
        if 0 not in shape and (last >= storage.size or math.prod(shape) > storage.size):
            raise ValueError("a tensor larger than its storage")
        return storage, offset, shape, strides


_Floats = Callable[[_Storage], NDArray[np.float32]]


def _open_zip(file: IO[bytes]) -> tuple[dict[str, _Tensor], _Floats]:
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if name.split("/", 1)[-1] == "data.pkl"]
    if len(names) != 1:
        raise ValueError("an archive that torch.save did not write")
    folder = names[0].removesuffix("data.pkl")

    def record(name: str, size: int | None = None) -> bytes:
        info = archive.getinfo(folder + name)
        # torch compresses nothing, so that a record is never larger than the file.
        if info.compress_type != zipfile.ZIP_STORED or size not in (None, info.file_size):
            raise ValueError(f"the record {name} does not have its size")
        return archive.read(info)

    if f"{folder}byteorder" in archive.namelist() and record("byteorder") != b"little":
        raise ValueError("big-endian floats")

    def floats(storage: _Storage) -> NDArray[np.float32]:
        return np.frombuffer(record(f"data/{storage.key}", storage.size * _BYTES_PER_FLOAT), "<f4")

    return _tensors(_parse(io.BytesIO(record("data.pkl")))), floats


def _open_legacy(file: IO[bytes]) -> tuple[dict[str, _Tensor], _Floats]:
    file.seek(0, 2)
    end = file.tell()
    file.seek(0)
    if _parse(file) != _MAGIC_NUMBER or _parse(file) != _PROTOCOL_VERSION:
        raise ValueError("not a file of torch.save")
    system = _parse(file)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError("big-endian floats")
    tensors = _tensors(_parse(file))
    keys = _parse(file)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("a file without a list of storages")
    places: dict[str, tuple[int, int]] = {}
    place = file.tell()
    for key in keys:
        file.seek(place)
        (size,) = struct.unpack("<q", _exactly(file, 8))
        places[key] = place + 8, size
        place += 8 + size * _BYTES_PER_FLOAT
        if size < 0 or place > end:
            raise ValueError("the file is truncated")

    def floats(storage: _Storage) -> NDArray[np.float32]:
        at, size = places.get(storage.key, (0, -1))
        if size != storage.size:
            raise ValueError("a storage that is missing, or of another size")
        file.seek(at)
        return np.frombuffer(_exactly(file, size * _BYTES_PER_FLOAT), "<f4")

    return tensors, floats


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise ValueError("the file is truncated")
    return data


def _strided(
    floats: NDArray[np.float32], offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> NDArray[np.float32]:
    """A copy, contiguous and in this machine's byte order."""
    if 0 in shape:
        return np.zeros(shape, np.float32)
    # The stride of a single element is never taken, and may be any number.
    steps = [stride * _BYTES_PER_FLOAT if n > 1 else 0 for n, stride in zip(shape, strides, strict=True)]
    return np.array(np.lib.stride_tricks.as_strided(floats[offset:], shape, steps), np.float32, order="C")


def _tensors(value: object) -> dict[str, _Tensor]:
    if not isinstance(value, dict) or not all(isinstance(item, _Tensor) for item in value.values()):
        raise ValueError("not a dictionary of tensors")
    return value


@dataclass(frozen=True)
class _Bounded:
    """A file as `pickletools` sees it: without this, a wrong length would make it ask for more than the memory."""

    file: IO[bytes]

    def read(self, size: int) -> bytes:
        if size > _LONGEST_ARGUMENT:
            raise ValueError("a value that is too long for a state dict")
        return self.file.read(size)

    def readline(self) -> bytes:
        return self.file.readline(_LONGEST_ARGUMENT)

    def tell(self) -> int:
        return self.file.tell()


def _parse(file: IO[bytes]) -> Any:
    """The value of the next pickle in a file, as far as the instructions are known here. Raises `ValueError`."""
    machine = _Machine()
    for opcode, argument, position in pickletools.genops(_Bounded(file)):  # type: ignore[arg-type]
        if opcode.name == "STOP":
            break
        try:
            machine.follow(opcode.name, argument)
        except (IndexError, KeyError, TypeError) as error:
            raise ValueError(f"a pickle that is broken at byte {position}") from error
    if len(machine.stack) != 1 or machine.marks:
        raise ValueError("a pickle that does not end in one value")
    return machine.stack[0]


class _Machine:
    """The stack of a pickle, its marks (the heights at which lists of items begin) and its memo."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def follow(self, name: str, argument: Any) -> None:
        """One instruction. Raises `ValueError` for one that no state dict needs."""
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            self._replace(_TUPLES[name], tuple)
        elif name == "TUPLE":
            self.stack.append(tuple(self._items()))
        elif name == "MARK":
            self.marks.append(len(self.stack))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            self.stack.append(self._memo[argument])
        elif name in ("APPEND", "APPENDS"):
            self._extend(self._items() if name == "APPENDS" else [self.stack.pop()])
        elif name in ("SETITEM", "SETITEMS"):
            items = self._items() if name == "SETITEMS" else self._pop(2)
            self._update(list(zip(items[::2], items[1::2], strict=True)))
        elif name == "GLOBAL":
            self.stack.append(_Global(argument.replace(" ", ".")))
        elif name == "BINPERSID":
            self.stack.append(_storage(self.stack.pop()))
        elif name in ("REDUCE", "NEWOBJ"):
            self._replace(2, lambda pair: _made(*pair))
        elif name == "BUILD":
            state = self.stack.pop()
            _set_state(self.stack[-1], state)
        elif name != "PROTO":
            raise ValueError(f"the pickle instruction {name}, which no state dict needs")

    def _pop(self, count: int) -> list[Any]:
        items = [self.stack.pop() for _ in range(count)]
        return items[::-1]

    def _replace(self, count: int, make: Callable[[list[Any]], Any]) -> None:
        self.stack.append(make(self._pop(count)))

    def _items(self) -> list[Any]:
        """What was pushed since the last mark."""
        height = self.marks.pop()
        items = self.stack[height:]
        del self.stack[height:]
        return items

    def _extend(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise ValueError("a list of something else")
        self.stack[-1].extend(items)

    def _update(self, pairs: list[tuple[Any, Any]]) -> None:
        if not isinstance(self.stack[-1], dict) or not all(isinstance(key, str) for key, _ in pairs):
            raise ValueError("a dictionary whose keys are not names")
        self.stack[-1].update(pairs)


def _storage(identity: Any) -> _Storage:
    """What stands for `('storage', type, key, device, size)`; before the zip format a view's place may follow."""
    if not isinstance(identity, tuple) or len(identity) not in (5, 6) or identity[0] != "storage":
        raise ValueError("a reference that is not to a storage")
    kind, key, _, size = identity[1:5]
    view = identity[5] if len(identity) == 6 else None
    offset = view[1] if isinstance(view, tuple) and len(view) == 3 else 0
    if kind != _Global("torch.FloatStorage"):
        raise ValueError(f"a {kind.name if isinstance(kind, _Global) else 'nameless storage'}: only float32 is read")
    if not isinstance(key, str) or not all(type(number) is int and number >= 0 for number in (size, offset)):
        raise ValueError("a storage without key and size")
    return _Storage(key, size, offset)


def _made(function: Any, arguments: Any) -> Any:
    """What a call of one of the few functions gives that a state dict is rebuilt with."""
    name = function.name if isinstance(function, _Global) else "something that is no function"
    if not isinstance(arguments, tuple):
        raise ValueError(f"a call of {name} without arguments")
    if name == "collections.OrderedDict":
        # Python 2 gave the items to the call; Python 3 calls it with none and sets them one by one.
        pairs = [tuple(pair) for pair in arguments[0]] if arguments else []
        if not all(len(pair) == 2 and isinstance(pair[0], str) for pair in pairs):
            raise ValueError("a dictionary whose keys are not names")
        return dict(pairs)
    if name in ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"):
        return _Tensor(arguments[:4])
    if name in ("torch._utils._rebuild_parameter", "torch.nn.parameter.Parameter"):
        # A parameter is its tensor: whether it wants gradients is of no interest here.
        tensor = arguments[0] if arguments else _Tensor()
        if not isinstance(tensor, _Tensor):
            raise ValueError("a parameter that is no tensor")
        return tensor
    if name == "torch.FloatTensor" and not arguments:
        return _Tensor()
    raise ValueError(f"a call of {name}, which no state dict needs")


def _set_state(target: Any, state: Any) -> None:
    """Attributes of a dictionary and flags of a parameter are passed over; early files give a tensor its data so."""
    if isinstance(target, _Tensor) and target.arguments is None and isinstance(state, tuple):
        if len(state) == 5 and isinstance(state[0], _Tensor):
            target.arguments = state[0].arguments
        elif len(state) == 4:
            target.arguments = state
    elif not isinstance(target, (dict, _Tensor)):
        raise ValueError("a state of something that is neither a dictionary nor a tensor")

"""Plain values as JSON, with arrays beside it.

None, booleans, integers, finite floats, strings and lists are themselves. Everything else is an object with one key,
which says what it is: ``{"array": "result/posterior/mean"}`` refers to a member of the archive, ``{"dict": {...}}``,
``{"tuple": [...]}``, ``{"float": "inf"}`` and so on are values that JSON has not or has other uses for, and
``{"record": ["Name", {...}]}`` is a data class of this package, field by field.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import math
import re
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from mixed_glm._saving.members import ARRAY_KINDS

Array = npt.NDArray[Any]

DEEPEST = 100  # values within values


class NotPlainError(TypeError):
    """A value that the format cannot hold."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """A type of values and how they are taken apart and put together.

    Attributes
    ----------
    tag : str
        The key in the header.
    type : type
    parts : callable
        From a value to what is written in its place, itself made of values.
    whole : callable
        The way back.
    """

    tag: str
    type: type
    parts: Callable[[Any], Any]
    whole: Callable[[Any], Any]


def _index_parts(index: pd.Index[Any]) -> dict[str, Any]:
    plain = isinstance(index.dtype, np.dtype) and index.dtype.kind in ARRAY_KINDS
    values = index.to_numpy() if plain else list(index)
    return {"values": values, "dtype": str(index.dtype), "name": index.name}


def _index_whole(parts: dict[str, Any]) -> pd.Index[Any]:
    """Of a type that pandas has itself: others could say how much memory a value takes, or be anything."""
    values, dtype = parts["values"], parts["dtype"]
    listed = isinstance(values, list) or (isinstance(values, np.ndarray) and values.ndim == 1)
    if not listed or not _INDEX_TYPES.fullmatch(dtype):
        raise ValueError(f"it holds levels of type {dtype}")
    index: pd.Index[Any] = pd.Index(values, dtype=dtype, name=parts["name"])
    return index


def _multi_index_parts(index: pd.MultiIndex) -> list[pd.Index[Any]]:
    return [index.get_level_values(level) for level in range(index.nlevels)]


def _multi_index_whole(parts: Any) -> pd.MultiIndex:
    columns = isinstance(parts, list) and parts and all(isinstance(p, pd.Index) for p in parts)
    if not columns or len({len(p) for p in parts}) > 1 or any(p.nlevels > 1 for p in parts):
        raise ValueError("it holds labels of several levels that do not belong together")
    return pd.MultiIndex.from_arrays(parts)


_INDEX_TYPES = re.compile(
    r"(?!.*dateutil)(object|str|string(\[\w+\])?|bool|boolean|category|[Uu]?[Ii]nt\d{1,2}|[Ff]loat\d{1,3}|complex\d{2,3}"
    r"|(datetime64|timedelta64)\[[\w ,/+:.()-]{1,60}\]|period\[[\w-]{1,20}\]|interval(\[[\w ,/+:\[\]-]{1,99}\])?"
    r"|Sparse\[(bool|u?int\d{1,2}|float\d{2})(, [\w.+-]{1,40})?\]|[\w ,/+:<>()\[\]-]{1,99}\[pyarrow\])",
    re.ASCII,
)


def _csr_parts(matrix: sparse.csr_array) -> dict[str, Any]:
    names = ("data", "indices", "indptr")
    return {"shape": list(matrix.shape)} | {name: getattr(matrix, name) for name in names}


def _csr_whole(parts: dict[str, Any]) -> sparse.csr_array:
    arrays = (parts["data"], parts["indices"], parts["indptr"])
    if not all(isinstance(a, np.ndarray) and a.ndim == 1 for a in arrays) or arrays[1].dtype.kind not in "iu":
        raise ValueError("it holds a sparse matrix that is none")
    rows, columns = parts["shape"]
    if len(arrays[2]) != rows + 1 or len(arrays[0]) != len(arrays[1]):
        raise ValueError(f"it holds a sparse matrix of {rows} rows that has others")
    matrix = sparse.csr_array(arrays, shape=(rows, columns))
    matrix.check_format(full_check=True)
    return matrix


# The first that fits counts: Timestamp is a datetime, which is a date.
KINDS = (
    Kind("float", float, repr, float),  # nan and infinities; all other floats are plain
    Kind("tuple", tuple, list, tuple),
    Kind("set", set, lambda v: sorted(v, key=repr), set),
    Kind("pairs", dict, lambda v: [list(item) for item in v.items()], dict),
    Kind("timestamp", pd.Timestamp, lambda v: v.isoformat(), pd.Timestamp),
    Kind("timedelta", pd.Timedelta, lambda v: v.isoformat(), pd.Timedelta),
    Kind("datetime", dt.datetime, lambda v: v.isoformat(), dt.datetime.fromisoformat),
    Kind("date", dt.date, lambda v: v.isoformat(), dt.date.fromisoformat),
    Kind("time", dt.time, lambda v: v.isoformat(), dt.time.fromisoformat),
    Kind("duration", dt.timedelta, lambda v: [v.days, v.seconds, v.microseconds], lambda v: dt.timedelta(*v)),
    Kind("period", pd.Period, lambda v: [v.ordinal, v.freqstr], lambda v: pd.Period(ordinal=v[0], freq=v[1])),
    Kind("decimal", Decimal, str, Decimal),
    Kind("uuid", uuid.UUID, str, uuid.UUID),
    Kind(
        "bytes", bytes, lambda v: base64.b64encode(v).decode(), lambda v: base64.b64decode(v, validate=True)
    ),
    Kind("interval", pd.Interval, lambda v: [v.left, v.right, v.closed], lambda v: pd.Interval(*v)),
    Kind("multiindex", pd.MultiIndex, _multi_index_parts, _multi_index_whole),
    Kind("index", pd.Index, _index_parts, _index_whole),
    Kind("csr", sparse.csr_array, _csr_parts, _csr_whole),
)


class Writer:
    """Turns values into JSON and collects their arrays.

    Parameters
    ----------
    records : mapping of str to type
        Data classes that may occur, by the name that they have in the file.
    kinds : tuple of Kind
        Types that may occur besides those of `KINDS`.
    """

    def __init__(self, records: Mapping[str, type], kinds: tuple[Kind, ...] = ()) -> None:
        self.arrays: dict[str, Array] = {}
        self._record_names = {cls: name for name, cls in records.items()}
        self._kinds = (*kinds, *KINDS)

    def write(self, value: Any, where: str) -> Any:
        """JSON of `value`; `where`: names its arrays, and itself in messages.

        Raises
        ------
        NotPlainError
            If the value, or something in it, is of no type that the format can hold.
        """
        if value is None or isinstance(value, (bool, str)):
            return value if value is None or isinstance(value, bool) else str(value)
        if isinstance(value, np.generic):
            return self.write(_scalar(value), where)
        if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, list):
            return self._items(value, where)
        if type(value) is dict and all(isinstance(k, str) for k in value):
            return {"dict": self._fields(value, where)}
        if isinstance(value, np.ndarray):
            return self._array(value, where)
        if type(value) in self._record_names:
            return self._record(value, where)
        for kind in self._kinds:
            if isinstance(value, kind.type):
                return {kind.tag: self.write(kind.parts(value), where)}
        raise NotPlainError(f"{where} is of type {type(value).__name__}, which a saved file cannot hold")

    def _items(self, values: list[Any], where: str) -> list[Any]:
        return [self.write(v, f"{where}/{i}") for i, v in enumerate(values)]

    def _fields(self, values: Mapping[str, Any], where: str) -> dict[str, Any]:
        return {name: self.write(v, f"{where}/{name}") for name, v in values.items()}

    def _record(self, value: Any, where: str) -> Any:
        fields = {f.name: getattr(value, f.name) for f in _saved_fields(type(value))}
        return {"record": [self._record_names[type(value)], self._fields(fields, where)]}

    def _array(self, array: Array, where: str) -> Any:
        if array.dtype == object:
            return {"objects": [list(array.shape), self._items(array.ravel().tolist(), where)]}
        if array.dtype.kind not in ARRAY_KINDS:
            raise NotPlainError(f"{where} is an array of {array.dtype}, which a saved file cannot hold")
        while where in self.arrays:  # names of a user's own may hold slashes
            where += "_"
        self.arrays[where] = array
        return {"array": where}


class Reader:
    """The way back.

    Parameters
    ----------
    records, kinds
        As for `Writer`.
    array : callable
        Reads the array of a name.
    given : mapping, optional
        Values of fields that a record may lack.
    """

    def __init__(
        self,
        records: Mapping[str, type],
        array: Callable[[str], Array],
        kinds: tuple[Kind, ...] = (),
        given: Mapping[str, Any] | None = None,
    ) -> None:
        self._records = records
        self._given = dict(given or {})
        self._array = array
        self._depth = 0
        self._kinds = {kind.tag: kind for kind in (*kinds, *KINDS)}

    def read(self, tree: Any) -> Any:
        """The value that a tree of JSON stands for.

        Raises
        ------
        ValueError and others
            If the tree is not one that `Writer` makes.
        """
        if not isinstance(tree, (list, dict)):
            return tree
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError("its header is nested too deeply")
        value = [self.read(v) for v in tree] if isinstance(tree, list) else self._kind(tree)
        self._depth -= 1
        return value

    def _kind(self, tree: dict[str, Any]) -> Any:
        ((tag, content),) = tree.items()
        if tag == "dict":
            return {k: self.read(v) for k, v in content.items()}
        if tag == "array":
            return self._array(content)
        if tag == "objects":
            return self._objects(content)
        if tag == "record":
            return self._record(*content)
        if tag not in self._kinds:
            raise ValueError(f"it holds a value of unknown kind {tag!r}")
        return self._kinds[tag].whole(self.read(content))

    def _objects(self, content: Any) -> Array:
        shape, values = content
        if not isinstance(values, list) or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError(f"it holds an array of shape {shape}")
        if math.prod(shape) != len(values) or (not values and max(shape) > 0 and len(shape) > 1):
            raise ValueError(f"it holds an array of shape {shape} with {len(values)} values")
        array = np.empty(len(values), dtype=object)
        for place, value in enumerate(values):
            array[place] = self.read(value)
        return array.reshape(shape)

    def _record(self, name: str, content: dict[str, Any]) -> Any:
        """Fields that a newer version added are ignored; those that an older one had not need a default."""
        if name not in self._records:
            raise ValueError(f"it holds a record of unknown kind {name!r}")
        cls = self._records[name]
        known = {f.name for f in _saved_fields(cls)}
        given = {k: v for k, v in self._given.items() if k in known}
        return cls(**(given | {k: self.read(v) for k, v in content.items() if k in known}))


def _saved_fields(cls: Any) -> list[dataclasses.Field[Any]]:
    return [f for f in dataclasses.fields(cls) if f.metadata.get("saved", True)]


def _scalar(value: np.generic) -> Any:
    """A numpy scalar as one of Python or pandas."""
    if isinstance(value, np.datetime64):
        return pd.Timestamp(value)
    if isinstance(value, np.timedelta64):
        return pd.Timedelta(value)
    if isinstance(value, np.bytes_):
        return bytes(value)
    for kind, plain in ((np.bool_, bool), (np.integer, int), (np.floating, float), (np.str_, str)):
        if isinstance(value, kind):
            return plain(value)
    raise NotPlainError(f"a scalar of {value.dtype}, which a saved file cannot hold")

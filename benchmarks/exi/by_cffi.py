"""Two ways between C and Python by cffi (API mode), to be compared with the C API that v2gexi uses.

- `Binding.decode_tape`, `Binding.encode_tape`: one call a message; C leaves an array of records, Python
  unpacks it and builds the objects (and the other way round).
- `Binding.decode_pull`: one call an event.

Both know the classes from the same tables as v2gexi and build objects of the same shape: slotted, one class a
complex type, absent values None, lists for what may repeat. Neither checks ranges: C does.
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from benchmarks.exi.driver import ENGINE, HERE, engine_sources

DECLARATIONS: Final = """
struct v2gexi_set { const uint16_t *roots; uint16_t root_count; ...; };
typedef struct { uint16_t name, type; uint8_t slot; ...; } v2gexi_particle;
typedef struct { uint16_t name, first_slot, value; uint8_t slots, flags; ...; } v2gexi_type;
typedef struct { uint16_t name, type; uint8_t flags; ...; } v2gexi_slot;
typedef struct { uint16_t local; ...; } v2gexi_name;
typedef struct { int64_t min; uint64_t max; uint8_t kind; ...; } v2gexi_value;
extern const v2gexi_particle v2gexi_particles[];
extern const v2gexi_type v2gexi_types[];
extern const v2gexi_slot v2gexi_slots[];
extern const v2gexi_name v2gexi_names[];
extern const v2gexi_value v2gexi_values[];
extern const char v2gexi_strings[];
extern const uint16_t v2gexi_enum_values[];
extern const uint16_t v2gexi_type_count;
const struct v2gexi_set *v2gexi_find_set(const char *name);
typedef struct { ...; } v2gexi_decoder;
typedef struct {
    uint8_t kind, value_kind; uint16_t name, particle, type, value_at; uint32_t length;
    union { int64_t i; uint64_t u; } value; ...;
} v2gexi_event;
int v2gexi_decode_start(v2gexi_decoder *, const struct v2gexi_set *, int, const uint8_t *, size_t, void *,
                        uint32_t);
int v2gexi_next(v2gexi_decoder *, v2gexi_event *);
void v2gexi_bytes(const v2gexi_decoder *, const v2gexi_event *, uint8_t *);
size_t v2gexi_text(const v2gexi_decoder *, const v2gexi_event *, char *, size_t);
typedef struct tape tape;
typedef struct { ...; } tape_record;
tape *tape_new(void);
void tape_free(tape *);
int tape_decode(tape *, const struct v2gexi_set *, const uint8_t *, size_t, tape_record *, size_t, char *,
                size_t);
int tape_encode(tape *, const struct v2gexi_set *, const tape_record *, size_t, const char *, uint8_t *,
                size_t);
"""
RECORD: Final = struct.Struct("@qIIHHHHBB6x")
"""tape_record in tape.h."""
RECORDS, ROOM = 1024, 8192
START, VALUE, ATTRIBUTE, TEXT, _, _, END, DONE = range(8)
BOOLEAN, ENUM, STRING, HEX, BASE64 = 1, 2, 7, 8, 9
LIST, TEXT_SLOT, GROUP, CONTENT = 1, 8, 16, 32
SIMPLE = 8
CONTENT_NAME = 0xFFFF


def build(folder: Path) -> ModuleType:
    """Compile the engine with a cffi module in ``folder`` and import it."""
    from cffi import FFI  # type: ignore[import-untyped]

    ffi = FFI()
    ffi.cdef(DECLARATIONS)
    ffi.set_source(
        "_v2gexi_by_cffi",
        '#include "v2gexi.h"\n#include "tables.h"\n#include "tape.h"\n',
        sources=[str(path) for path in (HERE / "tape.c", *engine_sources())],
        include_dirs=[str(ENGINE), str(ENGINE / "include"), str(HERE)],
        extra_compile_args=["-O2"],
    )
    path = ffi.compile(tmpdir=str(folder))
    spec = importlib.util.spec_from_file_location("_v2gexi_by_cffi", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Binding:
    """One message set through a module of `build`."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._ffi: Any = module.ffi
        self._lib: Any = module.lib
        self._set = self._lib.v2gexi_find_set(name.encode())
        self._tape = self._ffi.gc(self._lib.tape_new(), self._lib.tape_free)
        self._records = self._ffi.new("tape_record[]", RECORDS)
        self._record_bytes = self._ffi.buffer(self._records)
        self._bytes = self._ffi.new("char[]", ROOM)
        self._byte_view = self._ffi.buffer(self._bytes)
        self._out = self._ffi.new("uint8_t[]", ROOM)
        self._decoder = self._ffi.new("v2gexi_decoder *")
        self._event = self._ffi.new("v2gexi_event *")
        self._classes: dict[int, type[Any]] = {}
        self._slots: dict[tuple[int, int], tuple[str, bool]] = {}
        self._words: dict[tuple[int, int], str] = {}
        self._indices: dict[int, dict[str, int]] = {}
        self._plans: dict[type[Any], list[tuple[str, int, int, int, int]]] = {}
        self._elements: dict[type[Any], int] = {}
        for at in range(self._set.root_count):
            particle = self._lib.v2gexi_particles[self._set.roots[at]]
            if not self._lib.v2gexi_types[particle.type].flags & SIMPLE:
                self._elements[self._class(particle.type)] = particle.name

    def decode_tape(self, payload: bytes) -> Any:  # noqa: C901  # a call less is what is measured
        """The message."""
        count = self._lib.tape_decode(
            self._tape, self._set, payload, len(payload), self._records, RECORDS, self._bytes, ROOM
        )
        if count < 0:
            raise ValueError(count)
        classes, slots, words = self._classes, self._slots, self._words
        view = self._byte_view
        root: Any = None
        current: Any = None
        kept: list[tuple[Any, int]] = []
        current_type = 0
        for value, at, length, _, particle, type_, value_at, kind, value_kind in RECORD.iter_unpack(
            self._record_bytes[: count * RECORD.size]
        ):
            if kind == END:
                current, current_type = kept.pop()
                continue
            if kind == START:
                new: Any = (classes.get(type_) or self._class(type_))()
                if current is None:
                    root = new
                else:
                    name, several = slots.get((current_type, particle)) or self._slot(current_type, particle)
                    if several:
                        getattr(current, name).append(new)
                    else:
                        setattr(current, name, new)
                kept.append((current, current_type))
                current, current_type = new, type_
                continue
            found: Any
            if value_kind == STRING:
                found = view[at : at + length].decode()
            elif value_kind in {HEX, BASE64}:
                found = view[at : at + length]
            elif value_kind == ENUM:
                found = words.get((value_at, value)) or self._word(value_at, value)
            elif value_kind == BOOLEAN:
                found = value == 1
            else:
                found = value
            if kind == TEXT:
                current.value = found
                continue
            name, several = slots.get((current_type, particle)) or self._slot(current_type, particle)
            if several:
                getattr(current, name).append(found)
            else:
                setattr(current, name, found)
        return root

    def decode_pull(self, payload: bytes) -> Any:  # noqa: C901  # likewise
        """The message."""
        lib, decoder, event = self._lib, self._decoder, self._event
        following = lib.v2gexi_next
        status = lib.v2gexi_decode_start(decoder, self._set, 0, payload, len(payload), self._ffi.NULL, 0)
        classes, slots, words = self._classes, self._slots, self._words
        root: Any = None
        current: Any = None
        kept: list[tuple[Any, int]] = []
        current_type = 0
        while not status and not (status := following(decoder, event)):
            kind = event.kind
            if kind == END:
                current, current_type = kept.pop()
                continue
            if kind == DONE:
                return root
            if kind == START:
                type_ = event.type
                new: Any = (classes.get(type_) or self._class(type_))()
                if current is None:
                    root = new
                else:
                    key = current_type, event.particle
                    name, several = slots.get(key) or self._slot(*key)
                    if several:
                        getattr(current, name).append(new)
                    else:
                        setattr(current, name, new)
                kept.append((current, current_type))
                current, current_type = new, type_
                continue
            value_kind = event.value_kind
            found: Any
            if value_kind == STRING:
                found = self._byte_view[: lib.v2gexi_text(decoder, event, self._bytes, ROOM)].decode()
            elif value_kind in {HEX, BASE64}:
                lib.v2gexi_bytes(decoder, event, self._out)
                found = self._ffi.buffer(self._out, event.length)[:]
            elif value_kind == ENUM:
                at, index = event.value_at, event.value.u
                found = words.get((at, index)) or self._word(at, index)
            elif value_kind == BOOLEAN:
                found = event.value.u == 1
            else:
                found = event.value.i
            if kind == TEXT:
                current.value = found
                continue
            key = current_type, event.particle
            name, several = slots.get(key) or self._slot(*key)
            if several:
                getattr(current, name).append(found)
            else:
                setattr(current, name, found)
        raise ValueError(status)

    def encode_tape(self, message: Any) -> bytes:
        """The payload of a message that `decode_tape` has built."""
        records: list[bytes] = []
        texts = bytearray()
        self._write(message, self._elements[type(message)], records.append, texts)
        packed = b"".join(records)
        length = self._lib.tape_encode(
            self._tape,
            self._set,
            self._ffi.from_buffer("tape_record[]", packed),
            len(records),
            self._ffi.from_buffer("char[]", texts),
            self._out,
            ROOM,
        )
        if length < 0:
            raise ValueError(length)
        return self._ffi.buffer(self._out, length)[:]  # type: ignore[no-any-return]

    def _write(self, message: Any, element: int, put: Callable[[bytes], None], texts: bytearray) -> None:
        pack = RECORD.pack
        put(pack(0, 0, 0, element, 0, 0, 0, START, 0))
        cls = type(message)
        for slot, name, flags, value_kind, value_at in self._plans.get(cls) or self._plan(cls):
            held = getattr(message, slot)
            if held is None:
                continue
            for value in held if flags & LIST else (held,):
                if value_kind == 0:
                    self._write(value, self._elements[type(value)] if flags & GROUP else name, put, texts)
                elif value_kind == STRING:
                    data = value.encode()
                    put(pack(0, len(texts), len(data), name, 0, 0, 0, VALUE, value_kind))
                    texts += data
                elif value_kind in {HEX, BASE64}:
                    put(pack(0, len(texts), len(value), name, 0, 0, 0, VALUE, value_kind))
                    texts += value
                elif value_kind == ENUM:
                    put(pack(self._indices[value_at][value], 0, 0, name, 0, 0, 0, VALUE, value_kind))
                else:
                    put(pack(value, 0, 0, name, 0, 0, 0, VALUE, value_kind))
        put(pack(0, 0, 0, element, 0, 0, 0, END, 0))

    def _text(self, at: int) -> str:
        return self._ffi.string(self._lib.v2gexi_strings + at).decode()  # type: ignore[no-any-return]

    def _name(self, at: int) -> str:
        return self._text(self._lib.v2gexi_names[at].local)

    def _slot_name(self, slot: Any) -> str:
        if slot.flags & CONTENT:
            return "content"
        return "value" if slot.flags & TEXT_SLOT else self._name(slot.name)

    def _class(self, type_: int) -> type[Any]:
        """The class of a complex type, with the tables that encoding needs."""
        if found := self._classes.get(type_):
            return found
        row = self._lib.v2gexi_types[type_]
        slots = [self._lib.v2gexi_slots[row.first_slot + at] for at in range(row.slots)]
        names = [self._slot_name(slot) for slot in slots]
        body = "".join(
            f"    self.{name} = {'[]' if slot.flags & LIST else None}\n"
            for name, slot in zip(names, slots, strict=True)
        )
        space: dict[str, Any] = {}
        exec(f"def __init__(self):\n{body or '    pass'}", space)
        space |= {"__slots__": names, "type_": type_}
        cls: type[Any] = type(self._name(row.name), (), space)
        self._classes[type_] = cls
        return cls

    def _plan(self, cls: type[Any]) -> list[tuple[str, int, int, int, int]]:
        """Slots in the order of their elements: slot, element, flags, kind (0: a message), enumeration."""
        row = self._lib.v2gexi_types[cls.type_]
        plan = []
        for at in range(row.slots):
            slot = self._lib.v2gexi_slots[row.first_slot + at]
            held = self._lib.v2gexi_types[slot.type]
            value_at = row.value if slot.flags & TEXT_SLOT else held.value
            simple = slot.flags & TEXT_SLOT or held.flags & SIMPLE
            kind = self._lib.v2gexi_values[value_at].kind if simple else 0
            if kind == ENUM:
                count = self._lib.v2gexi_values[value_at].max
                self._indices[value_at] = {self._word(value_at, index): index for index in range(count)}
            name = CONTENT_NAME if slot.flags & TEXT_SLOT else slot.name
            plan.append((self._slot_name(slot), name, slot.flags, kind, value_at))
        self._plans[cls] = plan
        return plan

    def _slot(self, type_: int, particle: int) -> tuple[str, bool]:
        row = self._lib.v2gexi_types[type_]
        slot = self._lib.v2gexi_slots[row.first_slot + self._lib.v2gexi_particles[particle].slot]
        found = self._slot_name(slot), bool(slot.flags & LIST)
        self._slots[type_, particle] = found
        return found

    def _word(self, value_at: int, index: int) -> str:
        first = self._lib.v2gexi_values[value_at].min
        word = self._text(self._lib.v2gexi_enum_values[first + index])
        self._words[value_at, index] = word
        return word

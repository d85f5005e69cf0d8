"""EXIficient, the Java EXI codec inside the ``iso15118`` wheel, as an oracle for tests.

    with Exificient(jar()) as oracle:
        oracle.schema("din", schemas() / "din_spec/V2G_CI_MsgDef.xsd")
        oracle.decode("din", payload).text

One process for all calls; ``java/Oracle.java`` (compiled at its start) is its other end.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

ORACLE: Final = Path(__file__).with_name("java") / "Oracle.java"
Role = Literal["document", "fragment"]


class RefusedError(ValueError):
    """EXIficient did not do it; its exceptions' chain as text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``data`` is None where it was refused; ``unread``: bytes of the payload after the document's end."""

    data: bytes | None
    unread: int = 0
    error: str = ""

    @property
    def text(self) -> str:
        """The data as text; RefusedError where there is none."""
        return self.must().decode()

    def must(self) -> bytes:
        """The data; RefusedError where there is none."""
        if self.data is None:
            raise RefusedError(self.error)
        return self.data


class Exificient:
    """A running EXIficient. Commands are described in Oracle.java."""

    def __init__(self, jar: Path, *, heap: str = "512m") -> None:
        java = shutil.which("java")
        if java is None:
            raise FileNotFoundError("java is not installed")
        # The jar turns text into bytes in the encoding of the place it runs at.
        options = [f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Dfile.encoding=UTF-8"]
        command = [java, *options, "-cp", str(jar), str(ORACLE)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._sets: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def schema(self, name: str, xsd: Path) -> None:
        """Read grammars from an XSD file."""
        self.ask("schema", name, str(xsd)).must()

    def builtin(self, name: str, java_class: str) -> None:
        """Take grammars that the jar carries as a class."""
        self.ask("builtin", name, java_class).must()

    def string_table(self, name: str, *, use: bool) -> None:
        """Whether encoding writes, and decoding reads, hits of the value string table (by default)."""
        self.ask("options", name, "" if use else "no-string-table").must()

    def decode(self, name: str, payload: bytes, role: Role = "document") -> Answer:
        """EXI to XML."""
        return self.ask("decode", name, role, payload)

    def encode(self, name: str, xml: bytes | str, role: Role = "document") -> Answer:
        """XML to EXI."""
        return self.ask("encode", name, role, xml)

    def validate(self, name: str, xml: bytes | str) -> str:
        """The first violation of the XSD in the XML; empty if there is none."""
        return self.ask("validate", name, xml).error

    def ask(self, *fields: str | bytes) -> Answer:
        """One command with its fields."""
        return next(self.ask_all([fields]))

    def ask_all(self, requests: Iterable[tuple[str | bytes, ...]]) -> Iterator[Answer]:
        """Many commands without waiting in between; answers in their order."""
        packed = [_request(fields) for fields in requests]
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None

        def send() -> None:
            try:
                stdin.write(b"".join(packed))
                stdin.flush()
            except OSError:
                pass  # it has died; the reader sees the end of its output

        # The pipe is smaller than many requests: while they are written, somebody must read the answers.
        writer = threading.Thread(target=send)
        writer.start()
        try:
            for _ in packed:
                head = stdout.read(9)
                if len(head) < 9:
                    raise RuntimeError(f"the oracle has ended with {self._process.wait()}")
                refused, unread, length = struct.unpack(">BII", head)
                data = stdout.read(length)
                yield Answer(None, 0, data.decode()) if refused else Answer(data, unread)
        finally:
            writer.join()


def _request(fields: tuple[str | bytes, ...]) -> bytes:
    encoded = [field.encode() if isinstance(field, str) else field for field in fields]
    return bytes([len(encoded)]) + b"".join(struct.pack(">I", len(each)) + each for each in encoded)

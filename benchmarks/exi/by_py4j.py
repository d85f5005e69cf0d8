"""EXIficient as Josev uses it: the Java program inside the ``iso15118`` package, through py4j."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.v2gexi import wheel

NAMESPACES: Final = {
    "app": "urn:iso:15118:2:2010:AppProtocol",
    "din": "urn:din:70121:2012:MsgDef",
    "iso2": "urn:iso:15118:2:2013:MsgDef",
    "iso20-dc": "urn:iso:std:iso:15118:-20:DC",
}


def jar() -> Path:
    """The Java program out of the wheel that the tests have. FileNotFoundError where something is missing."""
    found = wheel.find()
    if found is None or wheel.missing():
        raise FileNotFoundError(wheel.missing())
    return wheel.unpacked(found) / "EXICodec.jar"


class Exificient:
    """A running EXIficient. ImportError without py4j; FileNotFoundError without Java or the wheel."""

    def __init__(self) -> None:
        path = jar()
        from py4j.java_gateway import JavaGateway  # type: ignore[import-not-found]

        self._gateway: Any = JavaGateway.launch_gateway(
            classpath=str(path), die_on_exit=True, javaopts=["--add-opens", "java.base/java.lang=ALL-UNNAMED"]
        )
        self._codec: Any = self._gateway.jvm.com.siemens.ct.exi.main.cmd.EXICodec()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gateway.shutdown()

    @property
    def resident(self) -> int:
        """Bytes of memory that Java takes."""
        return resident(self._gateway.java_process.pid)

    def processor_time(self) -> float:
        """Seconds that Java has used so far."""
        fields = Path(f"/proc/{self._gateway.java_process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def decode(self, payload: bytes, message_set: str) -> str:
        """EXI to JSON text."""
        text = self._codec.decode(payload, NAMESPACES[message_set])
        if text is None:
            raise ValueError(self._codec.get_last_decoding_error())
        return str(text)

    def encode(self, text: str, message_set: str) -> bytes:
        """JSON text to EXI."""
        payload = self._codec.encode(text, NAMESPACES[message_set])
        if payload is None:
            raise ValueError(self._codec.get_last_encoding_error())
        return bytes(payload)


def resident(process: int | str = "self") -> int:
    """Bytes of physical memory of a process."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")

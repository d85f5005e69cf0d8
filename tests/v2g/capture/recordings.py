"""Real captures, read and checked, and captures built for what the real ones lack."""

from __future__ import annotations

import lzma
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import v2gexi
from v2g.capture import envelope, pcapng, reading, splitting
from v2g.capture.checks import check, findings_of
from v2g.capture.envelope import Conversation, End
from v2g.capture.reading import Recording
from v2g.capture.splitting import Session
from v2gexi import app, din, v2gtp
from v2gexi.packets import Endpoint

HERE = Path(__file__).parent
TESTS = HERE.parent.parent
WP4 = "2022-10-26_WP4_networkEstablishedButHiddenCommunication"
DEHNER = "2022-11-17_Dehner_Alpitronic_until_SdpRequest"
ABB = "2022-11-25_v0.2_ABB_until_ChargeParamDiscovery"
COMPLEO = "2022-12-13_compleo_with_bulb"
ALPITRONIC = "2022-12-20_alpi_currentDemandSequenceErrorShutdown"
SUPERCHARGER = "2023-03-02_SuperCharger_CableCheck_error"
TAYCAN = "2023-05-03_TaycanLeftside_slacFail"
IONIQ = "2023-05-24_pyPlc_with_Ioniq93prcSoc"
MODEL_Y = "2024-04-20_ModelY_pyPLC_stop_in_precharge"
POLESTAR = "2024-06-11_Griffigroen_polestar2_stop_in_precharge"
ALL = (WP4, DEHNER, ABB, COMPLEO, ALPITRONIC, SUPERCHARGER, TAYCAN, IONIQ, MODEL_Y, POLESTAR)

CAR = End(bytes.fromhex("0a0000000001"), Endpoint("fe80::1", 50000))
STATION = End(bytes.fromhex("0a0000000002"), Endpoint("fe80::2", 61000))
SESSION_ID = bytes.fromhex("0102030405060708")
START_NS = 1_700_000_000_000_000_000
MS = 1_000_000


@cache
def data(name: str) -> bytes:
    """The bytes of a capture."""
    packed = TESTS / "v2g/data/captures" / f"{name}.pcapng.xz"
    if packed.exists():
        return lzma.decompress(packed.read_bytes())
    return (TESTS / "v2gexi/data" / f"{name}.pcapng").read_bytes()


@cache
def read(name: str) -> tuple[Recording, list[Session]]:
    """A real capture, its sessions checked."""
    return read_bytes(data(name))


def read_bytes(content: bytes) -> tuple[Recording, list[Session]]:
    """A capture, its sessions checked."""
    recording = reading.read(content)
    sessions = splitting.sessions_of(recording)
    for session in sessions:
        check(session)
    return recording, sessions


def kinds(session: Session) -> list[str]:
    """The kinds of findings of a session."""
    return [finding.kind for _, finding in findings_of(session)]


def texts(session: Session, kind: str) -> list[str]:
    """What the findings of a kind say."""
    return [finding.text for _, finding in findings_of(session) if finding.kind == kind]


def physical(value: int, multiplier: int = 0) -> din.PhysicalValueType:
    """A physical value."""
    return din.PhysicalValueType(Multiplier=multiplier, Value=value)


def ev_status(**changes: Any) -> din.DC_EVStatusType:
    """A car's status."""
    values: dict[str, Any] = {"EVReady": True, "EVErrorCode": "NO_ERROR", "EVRESSSOC": 50}
    return din.DC_EVStatusType(**values | changes)


def evse_status(**changes: Any) -> din.DC_EVSEStatusType:
    """A station's status."""
    values: dict[str, Any] = {
        "EVSEStatusCode": "EVSE_Ready",
        "NotificationMaxDelay": 0,
        "EVSENotification": "None",
    }
    return din.DC_EVSEStatusType(**values | {"EVSEIsolationStatus": "Valid"} | changes)


def pre_charge(target: int, present: int, code: Any = "OK") -> tuple[Any, Any]:
    """A pair of pre-charge."""
    return (
        din.PreChargeReqType(
            DC_EVStatus=ev_status(), EVTargetVoltage=physical(target), EVTargetCurrent=physical(1)
        ),
        din.PreChargeResType(
            ResponseCode=code, DC_EVSEStatus=evse_status(), EVSEPresentVoltage=physical(present)
        ),
    )


def cable_check(**status: Any) -> tuple[Any, Any]:
    """A pair of cable check."""
    return (
        din.CableCheckReqType(DC_EVStatus=ev_status()),
        din.CableCheckResType(
            ResponseCode="OK", DC_EVSEStatus=evse_status(**status), EVSEProcessing="Finished"
        ),
    )


SET_UP = (
    din.SessionSetupReqType(EVCCID=bytes.fromhex("DC0EA1116708")),
    din.SessionSetupResType(ResponseCode="OK_NewSessionEstablished", EVSEID=b"Z"),
)
STOP = (din.SessionStopType(), din.SessionStopResType(ResponseCode="OK"))


class Builder:
    """A capture that grows: every packet is 10 ms later than the one before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = START_NS
        self.writer = pcapng.PcapngWriter(path)
        self.writer.interface("test")
        self.conversation = Conversation(CAR, STATION)

    def wait(self, ms: int) -> None:
        self.now += ms * MS

    def packet(self, packet: bytes) -> None:
        self.wait(10)
        self.writer.packet(0, self.now, packet)

    def connect(self) -> None:
        for _, packet in self.conversation.open():
            self.packet(packet)
        self.payload(
            True,
            v2gexi.encode(
                app.supportedAppProtocolReq(
                    AppProtocol=[
                        app.AppProtocolType(
                            ProtocolNamespace="urn:din:70121:2012:MsgDef",
                            VersionNumberMajor=2,
                            VersionNumberMinor=0,
                            SchemaID=1,
                            Priority=1,
                        )
                    ]
                )
            ),
        )
        answer = app.supportedAppProtocolRes(ResponseCode="OK_SuccessfulNegotiation", SchemaID=1)
        self.payload(False, v2gexi.encode(answer))

    def payload(self, from_car: bool, payload: bytes) -> None:
        for packet in self.conversation.data(from_car, v2gtp.pack(payload)):
            self.packet(packet)

    def message(self, body: Any, session_id: bytes = SESSION_ID) -> None:
        message = din.V2G_Message(
            Header=din.MessageHeaderType(SessionID=session_id), Body=din.BodyType(BodyElement=body)
        )
        self.payload("Res" not in type(body).__name__, v2gexi.encode(message))

    def messages(self, bodies: Iterable[Any]) -> None:
        for body in bodies:
            self.message(body)

    def close(self) -> None:
        for _, packet in self.conversation.close(True):
            self.packet(packet)

    def udp(self, from_car: bool, content: bytes, port: int = v2gtp.SDP_PORT) -> None:
        ends = (CAR, End(STATION.hardware, Endpoint("fe80::2", port)))
        self.packet(envelope.udp(*(ends if from_car else ends[::-1]), content))

    def read(self) -> tuple[Recording, list[Session]]:
        self.writer.close()
        return read_bytes(self.path.read_bytes())

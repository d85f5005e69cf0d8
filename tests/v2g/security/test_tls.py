"""Handshakes: our station and car with OpenSSL's programs and each other, and every mismatch's reason."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
from collections.abc import Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from tests.v2g.net.ends import LIMIT_S, Recorder, Side
from tests.v2g.security.rig import DAY, DOMAIN, NOON, Pki, reissue, usage
from v2g.net.interfaces import NetworkError
from v2g.net.streams import Judge, Listener, Stream, connect, listen
from v2g.security.tls import (
    CarTls,
    Identity,
    StationTls,
    TlsError,
    car_context,
    car_judge,
    station_context,
    station_judge,
)

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")


def station_of(pki2: Pki, pki20: Pki, kind: str) -> StationTls:
    iso2 = pki2.identity("secc") if "2" in kind.split("+") else None
    iso20 = pki20.identity("secc") if "20" in kind.split("+") else None
    roots = (pki20.root("oem-root"),) if iso20 else ()
    return StationTls(iso2, iso20, roots)


def car_of(pki2: Pki, pki20: Pki, kind: str) -> CarTls:
    kinds = kind.split("+")
    roots = tuple(pki.root() for pki, name in ((pki2, "2"), (pki20, "20")) if name in kinds)
    return CarTls(roots, "2" in kinds, pki20.identity("vehicle") if "20" in kinds else None)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def serve(side: Side, settings: StationTls) -> Listener:
    context = station_context(settings)
    return listen("lo", side.receiver, side.write, address="::1", tls=context, judge=station_judge)


async def meet(station: StationTls, car: CarTls, judge: Judge = car_judge) -> tuple[Recorder, Recorder]:
    """A connection that has carried bytes both ways: the car's end and the station's."""
    side = Side(echo=True)
    listener = serve(side, station)
    end = Recorder()
    try:
        await connect("::1", listener.port, "lo", end, tls=car_context(car), judge=judge)
        assert end.stream is not None
        end.stream.write(b"\x01\xfe")
        await end.until(lambda: end.data == b"\x01\xfe" or end.lost is not None)
        assert end.lost is None, end.lost
        end.stream.close()
        await side.receivers[0].until(lambda: side.receivers[0].lost is not None)
        return end, side.receivers[0]
    finally:
        listener.close()


TLS12, TLS13 = "TLSv1.2 ECDHE-ECDSA-AES128-SHA256", "TLSv1.3 TLS_AES_256_GCM_SHA384"


@pytest.mark.parametrize(
    ("station", "car", "security"),
    [
        ("2", "2", TLS12),
        ("20", "20", TLS13),
        ("2+20", "2", TLS12),
        ("2+20", "20", TLS13),
        ("2+20", "2+20", TLS13),
        ("2", "2+20", TLS12),
        ("20", "2+20", TLS13),
    ],
)
def test_ours_with_ours(pki2: Pki, pki20: Pki, station: str, car: str, security: str) -> None:
    async def main() -> None:
        ends = await meet(station_of(pki2, pki20, station), car_of(pki2, pki20, car))
        for end in ends:
            assert end.stream is not None
            assert end.stream.security == security
            assert end.lost == ""
        newest = security == TLS13
        shown = (pki20 if newest else pki2).leaf("secc").der
        assert ends[0].stream.peer_certificate == shown
        vehicle = pki20.leaf("vehicle").der if newest else None
        assert ends[1].stream.peer_certificate == vehicle

    run(main())


async def refused(station: StationTls, car: CarTls, judge: Judge = car_judge) -> tuple[str, str]:
    """What the car and the station say of a handshake that fails."""
    side = Side()
    listener = serve(side, station)
    end = Recorder()
    try:
        try:
            await connect("::1", listener.port, "lo", end, tls=car_context(car), judge=judge)
        except NetworkError as error:
            said = str(error).split(": ", 1)[1]
        else:
            # On TLS 1.3 a car hears only afterwards that its certificate was refused.
            await end.until(lambda: end.lost is not None)
            said = end.lost or ""
        if not side.receivers or side.receivers[0].stream is None:
            await side.logged()
        return said, "\n".join(side.log)
    finally:
        listener.close()


def mismatch(station: StationTls, car: CarTls, theirs: str, ours: str, judge: Judge = car_judge) -> None:
    async def main() -> None:
        said, log = await refused(station, car, judge)
        assert theirs in said
        assert ours in log
        if log:
            assert re.match(r"connection from \[::1\]:\d+ refused: TLS: ", log)

    run(main())


def test_versions_that_do_not_meet(pki2: Pki, pki20: Pki) -> None:
    mismatch(
        station_of(pki2, pki20, "2"),
        car_of(pki2, pki20, "20"),
        "the other side refuses this TLS version (TLSV1_ALERT_PROTOCOL_VERSION)",
        "the other side speaks another TLS version (UNSUPPORTED_PROTOCOL)",
    )
    mismatch(
        station_of(pki2, pki20, "20"),
        car_of(pki2, pki20, "2"),
        "the other side refuses this TLS version",
        "the other side speaks another TLS version",
    )


def test_roots_that_are_not_trusted(pki2: Pki, pki20: Pki) -> None:
    mismatch(
        station_of(pki2, pki20, "2"),
        CarTls((pki2.root("mo-root"),)),
        "the other side's certificate is not valid: unable to get local issuer certificate",
        "the other side does not trust the root of this certificate (TLSV1_ALERT_UNKNOWN_CA)",
    )
    mismatch(
        replace(station_of(pki2, pki20, "20"), vehicle_roots=(pki20.root("mo-root"),)),
        car_of(pki2, pki20, "20"),
        "the other side does not trust the root of this certificate",
        "the other side's certificate is not valid: unable to get local issuer certificate",
    )


def identity_of(folder: Path, pki: Pki, name: str, above: str, **change: Any) -> Identity:
    """A leaf that was reissued with changes, with its chain and key."""
    leaf, *rest = pki.chain(name)
    wrong = reissue(leaf, rest[0], pki.key(above), **change)
    file = folder / f"{name}-chain.pem"
    file.write_bytes(b"".join(each.pem() for each in (wrong, *rest)))
    return Identity(file, pki.folder / f"{name}.key")


def test_certificates_out_of_their_time(tmp_path: Path, pki2: Pki, pki20: Pki) -> None:
    old = identity_of(tmp_path, pki2, "secc", "cpo-sub-ca-2", valid=(NOON - 9 * DAY, NOON - 8 * DAY))
    mismatch(
        StationTls(old),
        car_of(pki2, pki20, "2"),
        "the other side's certificate is not valid: certificate has expired",
        "for the other side this certificate has expired",
    )
    early = identity_of(tmp_path, pki2, "secc", "cpo-sub-ca-2", valid=(NOON + 9000 * DAY, NOON + 9001 * DAY))
    mismatch(
        StationTls(early),
        car_of(pki2, pki20, "2"),
        "the other side's certificate is not valid: certificate is not yet valid",
        "the other side refuses this certificate",
    )


def test_a_car_without_certificate(pki2: Pki, pki20: Pki) -> None:
    """ISO 15118-20 wants one, also of a station that serves ISO 15118-2 on the same port."""
    for kind in ("20", "2+20"):
        side_effects: list[str] = []

        async def main(kind: str = kind, found: list[str] = side_effects) -> None:
            side = Side()
            listener = serve(side, station_of(pki2, pki20, kind))
            bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            bare.check_hostname = False
            bare.minimum_version = ssl.TLSVersion.TLSv1_3
            bare.load_verify_locations(pki20.root())
            end = Recorder()
            try:
                await connect("::1", listener.port, "lo", end, tls=bare)
                await end.until(lambda: end.lost is not None)
            except NetworkError:
                pass
            await side.logged()
            found.extend(side.log)
            listener.close()

        run(main())
        assert (
            "the other side has shown no certificate (PEER_DID_NOT_RETURN_A_CERTIFICATE)" in side_effects[0]
        )


def test_a_certificate_that_is_no_stations(tmp_path: Path, pki2: Pki, pki20: Pki) -> None:
    """It ends at the right root, but is for something else ([V2G2-925])."""
    mismatch(
        StationTls(pki2.identity("cps")),
        car_of(pki2, pki20, "2"),
        "CN=CPS: domain component is CPS; a station certificate has CPO",
        "",
    )
    unnamed = identity_of(tmp_path, pki2, "secc", "cpo-sub-ca-2", names={DOMAIN: None})
    mismatch(
        StationTls(unnamed),
        car_of(pki2, pki20, "2"),
        "CN=SECC: has no domain component; a station certificate has CPO",
        "",
    )


def test_a_certificate_that_is_no_vehicles(tmp_path: Path, pki2: Pki, pki20: Pki) -> None:
    extensions = ((usage(key_agreement=True), True),)  # keyAgreement alone
    wrong = identity_of(tmp_path, pki20, "vehicle", "oem-sub-ca-2", extensions=extensions)
    mismatch(
        station_of(pki2, pki20, "20"),
        replace(car_of(pki2, pki20, "20"), iso20=wrong),
        "",
        "CN=Vehicle: keyUsage has no digitalSignature",
    )


def test_a_car_that_speaks_no_tls(pki2: Pki, pki20: Pki) -> None:
    async def main() -> None:
        side = Side()
        listener = serve(side, station_of(pki2, pki20, "2"))
        end = Recorder()
        await connect("::1", listener.port, "lo", end)
        assert end.stream is not None
        end.stream.write(bytes.fromhex("01fe8001000000048000eb00"))
        await end.until(lambda: end.lost is not None)
        await side.logged()
        assert "refused: TLS: the other side does not speak TLS (WRONG_VERSION_NUMBER)" in side.log[0]
        # The next car is served.
        good = Recorder()
        await connect("::1", listener.port, "lo", good, tls=car_context(car_of(pki2, pki20, "2")))
        assert good.stream is not None
        good.stream.abort()
        listener.close()

    run(main())


def test_a_station_that_speaks_no_tls(pki2: Pki, pki20: Pki) -> None:
    async def main() -> None:
        class Plain(Recorder):
            def connection_made(self, stream: Stream) -> None:
                stream.write(bytes.fromhex("01fe8001000000048000eb00"))

        listener = listen("lo", Plain, print, address="::1")
        with pytest.raises(NetworkError, match=r"the other side does not speak TLS"):
            await connect("::1", listener.port, "lo", Recorder(), tls=car_context(car_of(pki2, pki20, "2")))
        listener.close()

    run(main())


def s_client(port: int, *options: str) -> asyncio.subprocess.Process:
    assert OPENSSL is not None
    arguments = ["s_client", "-connect", f"[::1]:{port}", "-verify_return_error", "-brief", *options]
    return asyncio.create_subprocess_exec(  # type: ignore[return-value]
        OPENSSL,
        *arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


async def ask_openssl(settings: StationTls, *options: str) -> tuple[str, Side]:
    """What s_client says of our station."""
    side = Side()
    listener = serve(side, settings)
    try:
        async with asyncio.timeout(LIMIT_S):
            process = await s_client(listener.port, *options)  # type: ignore[misc]
            # s_client quits at Q or at the end of its input.
            out, _ = await process.communicate(b"Q\n")
        for each in side.receivers:
            if each.stream is not None:
                await each.until(partial(getattr, each, "ended"))
        return out.decode(), side
    finally:
        listener.close()


@needs_openssl
@pytest.mark.parametrize(
    ("kind", "options", "wanted"),
    [
        (
            "2",
            ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
            [
                "Protocol version: TLSv1.2",
                "Ciphersuite: ECDHE-ECDSA-AES128-SHA256",
                "Verification: OK",
                "ECDH, prime256v1",
            ],
        ),
        (
            "2+20",
            ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
            ["Protocol version: TLSv1.2", "Verification: OK", "CN = SECC"],
        ),
        (
            "20",
            ["-tls1_3", "-groups", "P-521", "VEHICLE"],
            ["Protocol version: TLSv1.3", "TLS_AES_256_GCM_SHA384", "Verification: OK", "secp521r1"],
        ),
        (
            "2+20",
            ["-tls1_3", "-groups", "P-521", "VEHICLE"],
            ["Protocol version: TLSv1.3", "TLS_AES_256_GCM_SHA384", "Verification: OK", "secp521r1"],
        ),
        (
            "2+20",
            ["-tls1_3", "-groups", "X448:P-521", "VEHICLE"],
            ["Protocol version: TLSv1.3", "Verification: OK", "secp521r1"],
        ),
        (
            "20",
            ["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256", "VEHICLE"],
            ["TLS_CHACHA20_POLY1305_SHA256", "Verification: OK"],
        ),
    ],
)
def test_openssl_as_a_car(pki2: Pki, pki20: Pki, kind: str, options: list[str], wanted: list[str]) -> None:
    newest = "-tls1_3" in options
    root = (pki20 if newest else pki2).root()
    given = ["-CAfile", str(root)]
    for each in options:
        if each == "VEHICLE":
            vehicle = pki20.identity("vehicle")
            given += [
                "-cert",
                str(vehicle.chain),
                "-cert_chain",
                str(vehicle.chain),
                "-key",
                str(vehicle.key),
            ]
        else:
            given.append(each)

    async def main() -> None:
        out, side = await ask_openssl(station_of(pki2, pki20, kind), *given)
        for each in wanted:
            assert each in out, out
        assert side.log == []
        stream = side.receivers[0].stream
        assert stream is not None
        assert (stream.peer_certificate is not None) == newest

    run(main())


@needs_openssl
@pytest.mark.parametrize(
    ("kind", "options", "why"),
    [
        ("2", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "the car offers no cipher suite"),
        ("2", ["-tls1_2", "-groups", "P-521"], "(NO_SHARED_CIPHER)"),
        ("2", ["-tls1_3"], "the other side speaks another TLS version"),
        ("2", ["-tls1_1", "-cipher", "ALL@SECLEVEL=0"], "the other side speaks another TLS version"),
        ("20", ["-tls1_2"], "the other side speaks another TLS version"),
        ("20", ["-tls1_3", "-groups", "X25519"], "the other side offers no key exchange group"),
        ("20", ["-tls1_3"], "the other side has shown no certificate"),
        ("2+20", ["-tls1_3"], "the other side has shown no certificate"),
    ],
)
def test_openssl_as_a_car_that_does_not_fit(
    pki2: Pki, pki20: Pki, kind: str, options: list[str], why: str
) -> None:
    async def main() -> None:
        root = (pki20 if "20" in kind else pki2).root()
        _, side = await ask_openssl(station_of(pki2, pki20, kind), "-CAfile", str(root), *options)
        assert why in side.log[0]
        assert not [each for each in side.receivers if each.stream is not None]

    run(main())


async def s_server(*options: str) -> tuple[asyncio.subprocess.Process, int]:
    """OpenSSL as a station; its port is found by its first line."""
    assert OPENSSL is not None
    process = await asyncio.create_subprocess_exec(
        OPENSSL,
        "s_server",
        "-accept",
        "[::1]:0",
        "-rev",  # answers each line, turned round
        *options,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        while not (line := await process.stdout.readline()).startswith(b"ACCEPT"):
            assert line, "s_server has ended"
    return process, int(line.rsplit(b":", 1)[1])


async def connect_to_openssl(car: CarTls, *options: str) -> tuple[Recorder, str]:
    process, port = await s_server(*options)
    end = Recorder()
    why = ""
    try:
        await connect("::1", port, "lo", end, tls=car_context(car), judge=car_judge)
        assert end.stream is not None
        end.stream.write(b"olleh\n")
        await end.until(lambda: end.data or end.lost is not None)
        end.stream.close()
    except NetworkError as error:
        why = str(error)
    process.terminate()
    await process.communicate()
    return end, why


def openssl_station(pki: Pki, *options: str) -> list[str]:
    identity = pki.identity("secc")
    given = ["-cert", str(identity.chain), "-cert_chain", str(identity.chain), "-key", str(identity.key)]
    return [*given, *options]


@needs_openssl
def test_openssl_as_a_station(pki2: Pki, pki20: Pki) -> None:
    async def main() -> None:
        options = openssl_station(pki2, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256")
        end, why = await connect_to_openssl(car_of(pki2, pki20, "2"), *options)
        assert (end.data, why) == (b"hello\n", "")
        assert end.stream is not None
        assert end.stream.security == TLS12
        mutual = ["-Verify", "3", "-verify_return_error", "-CAfile", str(pki20.root("oem-root"))]
        options = openssl_station(pki20, "-tls1_3", "-groups", "P-521", *mutual)
        end, why = await connect_to_openssl(car_of(pki2, pki20, "20"), *options)
        assert (end.data, why) == (b"hello\n", "")
        assert end.stream is not None
        assert end.stream.security == TLS13

    run(main())


@needs_openssl
@pytest.mark.parametrize(
    ("kind", "options", "why"),
    [
        ("2", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"], "(SSLV3_ALERT_HANDSHAKE_FAILURE)"),
        ("2", ["-tls1_3"], "the other side refuses this TLS version"),
        ("20", ["-tls1_2"], "the other side refuses this TLS version"),
        ("20", ["-tls1_3", "-groups", "X25519"], "(SSLV3_ALERT_HANDSHAKE_FAILURE)"),
    ],
)
def test_openssl_as_a_station_that_does_not_fit(
    pki2: Pki, pki20: Pki, kind: str, options: list[str], why: str
) -> None:
    async def main() -> None:
        pki = pki2 if kind == "2" else pki20
        end, said = await connect_to_openssl(car_of(pki2, pki20, kind), *openssl_station(pki, *options))
        assert end.stream is None
        assert why in said

    run(main())


def test_session_keys_are_written_only_when_asked_for(tmp_path: Path, pki2: Pki, pki20: Pki) -> None:
    async def main() -> None:
        station, car = station_of(pki2, pki20, "2+20"), car_of(pki2, pki20, "2+20")
        await meet(station, car)
        assert list(tmp_path.iterdir()) == []
        log = tmp_path / "keys"
        await meet(replace(station, key_log=log), car)
        assert "SERVER_TRAFFIC_SECRET_0 " in log.read_text()
        log.unlink()
        await meet(station, replace(car, key_log=log))
        assert "CLIENT_TRAFFIC_SECRET_0 " in log.read_text()

    run(main())


def test_test_benches_use_other_groups(pki2: Pki, pki20: Pki) -> None:
    """With any_group a station of ISO 15118-20 takes certificates and groups of -2, as public stacks have."""

    async def main() -> None:
        station = StationTls(None, pki2.identity("secc"), (pki2.root("oem-root"),), any_group=True)
        car = CarTls((pki2.root(),), False, pki2.identity("oem"), any_group=True)
        end, _ = await meet(station, car)
        assert end.stream is not None
        assert end.stream.security == TLS13

    run(main())


def error(call: Any, settings: Any) -> str:
    with pytest.raises(TlsError) as caught:
        call(settings)
    assert "PRIVATE" not in str(caught.value)
    return str(caught.value)


def test_files_that_cannot_be_used(tmp_path: Path, pki2: Pki, pki20: Pki) -> None:
    chain, key = pki2.identity("secc").chain, pki2.identity("secc").key
    other = pki2.identity("contract").key
    none = tmp_path / "none.pem"
    assert error(station_context, StationTls(Identity(none, key))) == f"{none}: No such file or directory"
    assert error(station_context, StationTls(Identity(chain, none))) == f"{none}: No such file or directory"
    assert (
        error(station_context, StationTls(Identity(chain, other)))
        == f"{other}: not the key of CN=SECC in {chain}"
    )
    assert error(station_context, StationTls(Identity(chain, chain))) == f"{chain}: holds no private key"
    assert error(station_context, StationTls(Identity(key, key))) == f"{key}: holds no certificate"
    der = tmp_path / "secc.der"
    der.write_bytes(pki2.leaf("secc").der)
    assert error(station_context, StationTls(Identity(der, key))).startswith(f"{der}: ")
    assert error(station_context, StationTls()) == "TLS needs a station certificate"
    iso20 = StationTls(None, pki20.identity("secc"))
    assert error(station_context, iso20) == "ISO 15118-20 needs root certificates of vehicles"
    roots = replace(iso20, vehicle_roots=(none,))
    assert error(station_context, roots) == f"{none}: No such file or directory"
    assert error(car_context, CarTls(())) == "TLS needs a V2G root certificate"
    assert error(car_context, CarTls((pki2.root(),), False)) == "ISO 15118-20 needs a vehicle certificate"
    assert error(car_context, CarTls((key,))) == f"{key}: holds no certificate"


def test_encrypted_keys(tmp_path: Path, pki2: Pki, pki20: Pki) -> None:
    key = tmp_path / "secc.key"
    key.write_bytes(
        pki2.key("secc").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"12345"))
    )
    password = tmp_path / "password"
    password.write_text("12345\n")
    chain = pki2.identity("secc").chain
    run(_meet(StationTls(Identity(chain, key, password)), car_of(pki2, pki20, "2")))
    assert (
        error(station_context, StationTls(Identity(chain, key)))
        == f"{key}: is encrypted: its password is needed"
    )
    password.write_text("54321")
    said = error(station_context, StationTls(Identity(chain, key, password)))
    assert said == f"{key}: the password does not fit"
    missing = Identity(chain, key, tmp_path / "none")
    assert error(station_context, StationTls(missing)) == f"{tmp_path / 'none'}: No such file or directory"


async def _meet(station: StationTls, car: CarTls) -> None:
    await meet(station, car)

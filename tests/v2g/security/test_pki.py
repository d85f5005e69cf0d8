"""The test PKI: what is made, how it is written, what the command says; OpenSSL agrees."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from tests.v2g.security.rig import NOON, Pki, write_pki
from v2g.cli import pki as command
from v2g.security.certificates import load_chain
from v2g.security.pki.folder import write
from v2g.security.pki.maker import File, PkiError, Wishes, make
from v2g.security.pki.plan import ENTRIES, entries
from v2g.security.profiles import Generation

OPENSSL = shutil.which("openssl")


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["pki", *map(str, arguments)])
    code: int = args.run(args)
    return code


def test_issuers_come_before_what_they_sign() -> None:
    seen = set()
    for entry in ENTRIES:
        assert entry.root or entry.issuer in seen
        seen.add(entry.name)


def test_files_and_their_modes(tmp_path: Path) -> None:
    for generation, count in ((Generation.ISO2, 15), (Generation.ISO20, 16)):
        folder = tmp_path / generation.name
        files = make(Wishes(generation))
        assert [each for each in files if "PRIVATE" in repr(each)] == []
        mask = os.umask(0)
        try:
            write(folder, files)
        finally:
            os.umask(mask)
        keys = list(folder.glob("*.key"))
        others = list(folder.glob("*.pem"))
        assert len(keys) + len(others) == len(list(folder.iterdir()))
        assert len(keys) == len(entries(generation)) == count
        assert {each.stat().st_mode & 0o777 for each in keys} == {0o600}
        assert {each.stat().st_mode & 0o777 for each in others} == {0o644}


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
def test_openssl_verifies_every_chain(pki2: Pki, pki20: Pki) -> None:
    at = str(int(NOON.timestamp()))
    for pki in (pki2, pki20):
        for chain in sorted(pki.folder.glob("*-chain.pem")):
            name = chain.name.removesuffix("-chain.pem")
            root = {"contract": "mo", "oem": "oem", "vehicle": "oem"}.get(name, "v2g")
            trusted = str(pki.root(f"{root}-root"))
            arguments = [
                "verify",
                "-x509_strict",
                "-attime",
                at,
                "-CAfile",
                trusted,
                "-untrusted",
                str(chain),
            ]
            done = subprocess.run(
                [str(OPENSSL), *arguments, str(pki.folder / f"{name}.pem")],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            key = subprocess.run(
                [str(OPENSSL), "pkey", "-in", str(pki.folder / f"{name}.key"), "-pubout"],
                capture_output=True,
                check=True,
            )
            public = subprocess.run(
                [str(OPENSSL), "x509", "-in", str(chain), "-noout", "-pubkey"],
                capture_output=True,
                check=True,
            )
            assert key.stdout == public.stdout


def test_wishes(tmp_path: Path) -> None:
    pki = write_pki(
        tmp_path / "pki",
        Generation.ISO2,
        emaid="nl-abc-c1a2b3c4d-5",
        pcid="abc123abc123abc123",
        organisation="Someone",
        country="nl",
        start=NOON,
        days=3,
        seed="a",
    )
    contract = pki.leaf("contract")
    assert contract.subject == "DC=MO,C=NL,O=Someone,CN=NLABCC1A2B3C4D5"
    assert (contract.not_before, contract.not_after) == (NOON, NOON + timedelta(days=3))
    assert pki.leaf("oem").common_name == "ABC123ABC123ABC123"
    assert pki.leaf("v2g-root").not_after > NOON + timedelta(days=10000)
    again = write_pki(tmp_path / "again", Generation.ISO2, seed="a")
    other = write_pki(tmp_path / "other", Generation.ISO2, seed="b")
    assert again.leaf("secc").serial == pki.leaf("secc").serial != other.leaf("secc").serial
    assert again.leaf("secc").der != pki.leaf("secc").der
    serials = {each.serial for file in pki.folder.glob("*.pem") for each in load_chain(file)}
    assert len(serials) == 15
    # Keys are never repeatable.
    assert (again.folder / "secc.key").read_bytes() != (pki.folder / "secc.key").read_bytes()


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"emaid": "X"}, "eMAID 'X': two letters of the country"),
        ({"pcid": "X"}, "PCID 'X': 18 letters and digits are needed"),
        ({"pcid": "ÄBC123ABC123ABC123"}, "18 letters and digits are needed"),
        ({"country": "DEU"}, "country 'DEU': two letters from A to Z are needed"),
        ({"organisation": ""}, "organisation: 1 to 64 printable characters are needed"),
        ({"days": 0}, "0 days: 1 to 14600 are possible"),
    ],
)
def test_wishes_that_cannot_be(wish: dict, why: str) -> None:
    with pytest.raises(PkiError, match=why):
        make(Wishes(**wish))


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "secc.key").write_text("precious")
    files = [File("a.pem", b"a", 0o644), File("secc.key", b"new", 0o600), File("b.pem", b"b", 0o644)]
    with pytest.raises(PkiError, match=f"^{tmp_path}: secc.key is there already; --force replaces them$"):
        write(tmp_path, files)
    assert [each.name for each in tmp_path.iterdir()] == ["secc.key"]
    assert (tmp_path / "secc.key").read_text() == "precious"
    write(tmp_path, files, force=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.pem", "b.pem", "secc.key"]
    assert (tmp_path / "secc.key").read_text() == "new"
    assert (tmp_path / "secc.key").stat().st_mode & 0o777 == 0o600


def test_a_failure_in_the_middle_leaves_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pem").write_text("old")
    done = []

    def full(descriptor: int) -> None:
        done.append(descriptor)
        if len(done) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PkiError, match=f"^{tmp_path}: No space left on device$"):
        write(tmp_path, [File("a.pem", b"new", 0o644), File("b.pem", b"new", 0o644)], force=True)
    assert [each.name for each in tmp_path.iterdir()] == ["a.pem"]
    assert (tmp_path / "a.pem").read_text() == "old"


def test_links_are_replaced_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    folder = tmp_path / "pki"
    folder.mkdir()
    (folder / "secc.key").symlink_to(target)
    with pytest.raises(PkiError, match="is there already"):
        write(folder, [File("secc.key", b"new", 0o600)])
    write(folder, [File("secc.key", b"new", 0o600)], force=True)
    assert not target.exists()
    assert not (folder / "secc.key").is_symlink()


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PkiError, match=f"^{tmp_path}/file: "):
        write(tmp_path / "file", [File("a.pem", b"", 0o644)])


def test_make_and_show_and_check(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "pki"
    assert run("make", folder, "--iso20", "--emaid", "DE-ABC-C00000001-2") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{folder}: a test PKI of ISO 15118-20\n")
    assert "  vehicle      the car's certificate for TLS 1.3\n" in out
    assert run("make", folder) == 2
    err = capsys.readouterr().err
    assert (
        err == f"v2g pki: {folder}: v2g-root.key and 33 more files are there already; --force replaces them\n"
    )
    assert run("make", folder, "--emaid", "x", "--force") == 2
    capsys.readouterr()

    assert run("show", folder) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 37
    assert f"{folder}/secc-chain.pem: station certificate CN=SECC and 2 above, secp521r1, until " in out
    assert f"{folder}/contract.key: private key, secp521r1\n" in out
    assert run("show", folder / "contract.pem") == 0
    out = capsys.readouterr().out
    assert "    eMAID      DEABCC000000012\n" in out
    assert "    for        contract certificate\n" in out

    chain, root = folder / "contract-chain.pem", folder / "mo-root.pem"
    assert run("check", chain, "--root", root, "--key", folder / "contract.key", "--for", "contract") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{chain}: contract certificate CN=DEABCC000000012, trusted until ")
    assert run("check", chain, "--root", root, "--key", folder / "secc.key", "--for", "secc") == 1
    err = capsys.readouterr().err
    assert err.splitlines() == [
        f"v2g pki: {chain}: CN=DEABCC000000012: domain component is MO; a station certificate has CPO",
        f"v2g pki: {folder}/secc.key: not the key of CN=DEABCC000000012 in {chain}",
    ]
    assert run("check", chain, "--root", root, "--at", "2100-01-01") == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 4
    assert "CN=MO Root CA: expired on " in err
    assert run("check", chain, "--root", folder / "v2g-root.pem", "--root", root) == 0


def test_what_show_finds(tmp_path: Path, pki2: Pki, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "pki"
    shutil.copytree(pki2.folder, folder)
    (folder / "secc.key").chmod(0o644)
    shutil.copy(folder / "contract.key", folder / "oem.key")
    (folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    assert run("show", folder, "--at", "2026-11-21T12:00") == 1
    err = capsys.readouterr().err.splitlines()
    assert f"v2g pki: {folder}/secc.key: others may read this private key (mode 644); 600 is right" in err
    assert f"v2g pki: {folder}/oem.key: not the key of CN=WV2GTEST00000001AB" in err
    assert len(err) == 3
    assert run("show", folder / "secc.pem", "--at", "2040-01-01") == 1
    captured = capsys.readouterr()
    assert "(expired)" in captured.out
    assert captured.err == f"v2g pki: {folder}/secc.pem: CN=SECC: expired\n"


def test_commands_that_cannot_be_done(tmp_path: Path, pki2: Pki, capsys: pytest.CaptureFixture) -> None:
    root = pki2.root()

    def said(*arguments: str | Path) -> str:
        assert run(*arguments) == 2
        err: str = capsys.readouterr().err
        assert err.count("\n") == 1
        return err.removeprefix("v2g pki: ").rstrip()

    none = tmp_path / "none.pem"
    assert said("show", none) == f"{none}: No such file or directory"
    assert (
        said("show", tmp_path)
        == f"{tmp_path}: no certificates or keys in it (*.pem, *.der, *.crt, *.cer, *.key)"
    )
    assert said("check", none, "--root", root) == f"{none}: No such file or directory"
    assert said("check", root, "--root", none) == f"{none}: No such file or directory"
    assert said("check", root, "--root", root, "--key", none) == f"{none}: No such file or directory"
    given = ("check", root, "--root", root, "--key", pki2.folder / "v2g-root.key", "--password-file", none)
    assert said(*given) == f"{none}: No such file or directory"
    for arguments in (("check", root), ("show", root, "--at", "noon"), ("make",)):
        with pytest.raises(SystemExit) as ended:
            run(*arguments)
        assert ended.value.code == 2


def test_no_key_is_ever_printed(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "pki"
    run("make", folder)
    run("show", folder)
    run("show", folder / "secc.key")
    run("check", folder / "secc.key", "--root", folder / "secc.key")
    said = "".join(capsys.readouterr())
    assert "PRIVATE" not in said
    for key in folder.glob("*.key"):
        assert not any(line in said for line in key.read_text().splitlines()[1:-1])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--country", "ÄÖ"], "country 'ÄÖ': two letters from A to Z are needed"),
        (["--organisation", "a\nb"], "organisation: 1 to 64 printable characters are needed"),
        (["--start", "0001-01-01"], "start 0001-01-01: from 1950 to 9900 is possible"),
        (["--start", "9999-12-31"], "start 9999-12-31: from 1950 to 9900 is possible"),
    ],
)
def test_wishes_that_no_certificate_can_have(tmp_path: Path, capsys, arguments, reason) -> None:
    assert run("make", tmp_path / "pki", *arguments) == 2
    assert capsys.readouterr().err == f"v2g pki: {reason}\n"
    assert not (tmp_path / "pki").exists()


def test_the_earliest_and_the_latest_start_can_be_had() -> None:
    from datetime import UTC, datetime

    for year in (1950, 9900):
        assert make(Wishes(start=datetime(year, 1, 1, tzinfo=UTC)))


def test_times_that_are_none_in_utc(capsys) -> None:
    for text in ("0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00"):
        with pytest.raises(SystemExit) as ended:
            run("make", "pki", "--start", text)
        assert ended.value.code == 2
        assert f"{text!r} is no time, such as 2027-01-31T12:00" in capsys.readouterr().err


def test_what_is_no_certificate(tmp_path: Path, capsys) -> None:
    for content in (
        b"hello\n",
        b"\x30\x82\xff",
        "größe\n".encode("latin-1"),
        b"-----BEGIN X-----\n",
        b"0" * 99,
    ):
        path = tmp_path / "text.pem"
        path.write_bytes(content)
        assert run("show", path) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"v2g pki: {path}: ")
        assert err.count("\n") == 1

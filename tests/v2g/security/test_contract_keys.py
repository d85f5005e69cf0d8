"""Contract keys, encrypted for one car: the other stack's, ours, and everything that goes wrong."""

from __future__ import annotations

import hashlib
import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from tests.v2g.security.josev import ask
from tests.v2g.security.rig import Pki
from v2g.security.contract_keys import (
    ContractKeyError,
    Sealed,
    additional_data,
    open_iso2,
    open_iso20,
    seal_iso2,
    seal_iso20,
)

CONTRACT = ec.generate_private_key(ec.SECP256R1())
CAR = ec.generate_private_key(ec.SECP256R1())
CONTRACT20 = ec.generate_private_key(ec.SECP521R1())
CAR20 = ec.generate_private_key(ec.SECP521R1())
PCID = "WV2GTEST00000001AB"
SKI = bytes.fromhex("4123456789abcdef")


def number(key: ec.EllipticCurvePrivateKey) -> int:
    return key.private_numbers().private_value


def test_iso2_there_and_back() -> None:
    sealed = seal_iso2(CONTRACT, CAR.public_key(), os.urandom)
    assert (len(sealed.public_key), len(sealed.encrypted)) == (65, 48)
    assert sealed.public_key[0] == 4
    assert number(open_iso2(sealed, CAR, CONTRACT.public_key())) == number(CONTRACT)
    assert seal_iso2(CONTRACT, CAR.public_key(), os.urandom).public_key != sealed.public_key


def test_iso2_step_by_step() -> None:
    """The same by [V2G2-815] and [V2G2-818], written out."""
    sealed = seal_iso2(CONTRACT, CAR.public_key(), lambda count: bytes(range(count)))
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sealed.public_key)
    secret = CAR.exchange(ec.ECDH(), point)
    key = hashlib.sha256(b"\0\0\0\1" + secret + b"\x01UV").digest()[:16]
    assert sealed.encrypted[:16] == bytes(range(16))
    decryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(range(16)))).decryptor()
    assert int.from_bytes(decryptor.update(sealed.encrypted[16:]), "big") == number(CONTRACT)


def test_iso20_step_by_step() -> None:
    """Layout and additional data by [V2G20-2492] and [V2G20-2499]."""
    sealed = seal_iso20(CONTRACT20, CAR20.public_key(), PCID, SKI, lambda count: bytes(range(count)))
    assert (len(sealed.public_key), len(sealed.encrypted)) == (133, 94)
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP521R1(), sealed.public_key)
    secret = CAR20.exchange(ec.ECDH(), point)
    key = hashlib.sha512(b"\0\0\0\1" + secret + b"\x01UV").digest()[:32]
    plain = AESGCM(key).decrypt(
        bytes(range(12)), sealed.encrypted[12:], b"WV2GTEST00000001AB4123456789ABCDEF"
    )
    assert int.from_bytes(plain, "big") == number(CONTRACT20)
    assert number(open_iso20(sealed, CAR20, CONTRACT20.public_key(), PCID, SKI)) == number(CONTRACT20)


def test_josev_opens_ours_and_we_open_its(pki2: Pki) -> None:
    car, contract = pki2.key("oem"), pki2.key("contract")
    sealed = seal_iso2(contract, car.public_key(), os.urandom)
    answer = ask(
        {
            "ask": "open",
            "key": (pki2.folder / "oem.key").read_text(),
            "public": sealed.public_key.hex(),
            "encrypted": sealed.encrypted.hex(),
        }
    )
    assert int(answer, 16) == number(contract)
    theirs = ask(
        {
            "ask": "seal",
            "key": (pki2.folder / "contract.key").read_text(),
            "leaf": pki2.leaf("oem").der.hex(),
        }
    )
    found = Sealed(bytes.fromhex(theirs["public"]), bytes.fromhex(theirs["encrypted"]))
    assert number(open_iso2(found, car, contract.public_key())) == number(contract)


def refused(call, *arguments) -> str:
    with pytest.raises(ContractKeyError) as caught:
        call(*arguments)
    assert f"{number(CONTRACT):x}" not in str(caught.value)
    return str(caught.value)


def test_what_does_not_open() -> None:
    sealed = seal_iso2(CONTRACT, CAR.public_key(), os.urandom)
    stranger = ec.generate_private_key(ec.SECP256R1())
    other = "the decrypted key is not that of the contract certificate"
    assert refused(open_iso2, sealed, stranger, CONTRACT.public_key()) == other
    assert refused(open_iso2, sealed, CAR, stranger.public_key()) == other
    short = Sealed(sealed.public_key, sealed.encrypted[:-1])
    assert refused(open_iso2, short, CAR, CONTRACT.public_key()) == "the encrypted key has 47 bytes, not 48"
    for point in (b"", bytes(65), b"\4" + bytes(range(64)), sealed.public_key[:-1]):
        wrong = Sealed(point, sealed.encrypted)
        why = "the sender's public key is no point of secp256r1"
        assert refused(open_iso2, wrong, CAR, CONTRACT.public_key()) == why
    assert (
        refused(open_iso2, sealed, CAR20, CONTRACT.public_key())
        == "the car's key is secp521r1, not secp256r1"
    )
    curve = "the contract key is secp521r1, not secp256r1"
    assert refused(seal_iso2, CONTRACT20, CAR.public_key(), os.urandom) == curve
    receiver = "the receiver's key is secp256r1, not secp521r1"
    assert refused(seal_iso20, CONTRACT20, CAR.public_key(), PCID, SKI, os.urandom) == receiver


def test_what_does_not_open_in_iso20() -> None:
    sealed = seal_iso20(CONTRACT20, CAR20.public_key(), PCID, SKI, os.urandom)
    public = CONTRACT20.public_key()
    changed = "the encrypted key was changed, or is for another car or contract"
    assert refused(open_iso20, sealed, CAR20, public, PCID[:-1] + "C", SKI) == changed
    assert refused(open_iso20, sealed, CAR20, public, PCID, SKI[::-1]) == changed
    stranger = ec.generate_private_key(ec.SECP521R1())
    assert refused(open_iso20, sealed, stranger, public, PCID, SKI) == changed
    assert "not that of" in refused(open_iso20, sealed, CAR20, stranger.public_key(), PCID, SKI)
    short = Sealed(sealed.public_key, sealed.encrypted + b"\0")
    assert refused(open_iso20, short, CAR20, public, PCID, SKI) == "the encrypted key has 95 bytes, not 94"
    assert refused(open_iso20, sealed, CAR20, public, "A", SKI) == "PCID 'A' has 1 letters and digits, not 18"


def test_pcids_are_compared_plain() -> None:
    assert additional_data("wv2-gtest0-0000001-ab", SKI) == additional_data(PCID, SKI)


@given(st.integers(0, 47), st.integers(1, 255))
def test_no_damage_gives_a_key(at: int, change: int) -> None:
    sealed = seal_iso2(CONTRACT, CAR.public_key(), bytes)
    damaged = bytearray(sealed.encrypted)
    damaged[at] ^= change
    with pytest.raises(ContractKeyError):
        open_iso2(Sealed(sealed.public_key, bytes(damaged)), CAR, CONTRACT.public_key())

"""The messages that the codecs are measured with: payloads as they were seen on the wire."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """A payload of message set ``set``; ``seen`` says where."""

    set: str
    name: str
    hex: str
    seen: str

    @property
    def label(self) -> str:
        """Set and name, as figures are called."""
        return f"{self.set}/{self.name}"

    @property
    def payload(self) -> bytes:
        """The EXI document."""
        return bytes.fromhex(self.hex)


MESSAGES = (
    Message(
        "app",
        "SupportedAppProtocolReq",
        "8000dbab9371d3234b71d1b981899189d191818991d26b9b3a232b30020000040401b75726e3a7465736c613a64696e"
        "3a323031383a4d736744656600001c0100080",
        "Tesla Model Y at a pyPLC charger, 2024-04-20 (two protocols)",
    ),
    Message(
        "din",
        "SessionSetupReq",
        "809a02000000000000000011d01811959401930c00",
        "Hyundai Ioniq at a pyPLC charger, 2023-04-16",
    ),
    Message(
        "din",
        "ChargeParameterDiscoveryRes",
        "809a0200000000139faf9bd08002000000000010002a800400000c0c190080e18a3a060a1e8060606000060a12c0223"
        "0300610",
        "Alpitronic charger with pyPLC as the car, 2022-12-20",
    ),
    Message(
        "din",
        "CurrentDemandReq",
        "809a02004080c1014181c210d100000a404061280a010285010004061a01e04070c84c0000c082c0240604078040a14"
        "04000",
        "Hyundai Ioniq at a pyPLC charger, 2026-02-03 (340 times in ten minutes)",
    ),
    Message(
        "din",
        "CurrentDemandRes",
        "809a02000000000e5df779d0e0004080000082845da0080018790080000a0a00a01030f28601028384701800",
        "Alpitronic charger with pyPLC as the car, 2023-04-19",
    ),
    Message(
        "iso2",
        "SessionSetupReq",
        "8098004011d01808000000003800",
        "Josev's car at Josev's charger",
    ),
    Message(
        "iso2",
        "ChargeParameterDiscoveryRes",
        "80980211cd7806e1b9d9f0d0a000000000002028c14105098750aa000000081061a01e08284c3a81081508c04180501"
        "081a01e020c050083014018c1209c00",
        "EVerest 2026.02.1 as the charger",
    ),
    Message(
        "iso2",
        "AuthorizationReq",
        "8098023e5287b5a55c65288a895a1d1d1c0e8bcbddddddcb9dcccb9bdc99cbd5148bd8d85b9bdb9a58d85b0b595e1a4"
        "bd0d5a1d1d1c0e8bcbddddddcb9dcccb9bdc99cbcc8c0c0c4bcc0d0bde1b5b191cda59cb5b5bdc9948d958d91cd84b5"
        "cda184c8d4d910311b4b218812b43a3a381d1797bbbbbb973b999737b93397aa2917b1b0b737b734b1b0b616b2bc349"
        "7a429687474703a2f2f7777772e77332e6f72672f323030312f30342f786d6c656e6323736861323536420b535c5a9c"
        "7f08fbec3f62a3b0076235281d5d81c175d347ada604570234f91791281200d45e99a6df99d0cd4d84f0544544a5edd"
        "d3eaf40cfefee1760b9361fcda090a1b7cd568a8d131256655be990c9b4c004a0c0b9e03b48644a4a3f4ba603456800"
        "05696431021483e68e8baf6096fc8e22a173a6a6b420",
        "EVerest 2026.02.1 as the car, Plug & Charge, 2026-08-05 (signed)",
    ),
    Message(
        "iso2",
        "CurrentDemandReq",
        "8098020408b0213e69693d50d1000a01860021006101f4020414300f800030819006102802080640",
        "Josev's car at Josev's charger",
    ),
    Message(
        "iso2",
        "CurrentDemandRes",
        "8098021a34e8b3b5d22f9450e0000000204084000020c00000202102a1180218504e0080c50c0ac0101144452a504e5"
        "82a4531323334352a3100000f44435f504f5745524d455445520001a0",
        "EVerest 2026.02.1 as the charger, 2026-08-05",
    ),
    Message(
        "iso20-dc",
        "DC_ChargeLoopReq",
        "803404103cc67c1a10d35e0b3c9fed306200f18402002400c69021e05c08303c0400008204261d41000000800ac0204"
        "00420382002580400",
        "EVerest as the car, dynamic control, 2026-08-15",
    ),
    Message(
        "iso20-dc",
        "DC_ChargeLoopRes",
        "803804272e741bd1d814b60add1cad30620063e8740381fc2807c00080810a01100fe1a01e03f0481580fe1508c0",
        "EVerest 2026.02.1 as the charger, scheduled control, 2026-08-05",
    ),
)
"""One each of those that a charging session is made of, and the largest that a car signs."""


def named(label: str) -> Message:
    """The message of that label ("iso2/CurrentDemandReq")."""
    return next(message for message in MESSAGES if message.label == label)

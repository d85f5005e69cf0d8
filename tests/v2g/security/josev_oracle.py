"""Asks the signature and key functions of the ``iso15118`` package (Josev); runs in its virtual environment.

    python josev_oracle.py < JSON

A JSON object on stdin names the question; the answer is the last line of stdout. It imports nothing of the
tests.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def _from(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _security(name: str) -> Any:
    return _from("iso15118.shared.security", name)


def verify(question: dict[str, Any]) -> bool:
    """Whether a signature of ours holds."""
    exi = _from("iso15118.shared.exi_codec", "EXI")()
    exi.set_exi_codec(_from("v2gexi.josev", "Codec")())
    namespace = _from("iso15118.shared.messages.enums", "Namespace")
    payload, set_name = bytes.fromhex(question["message"]), question["namespace"]
    message = exi.from_exi(payload, getattr(namespace, set_name))
    header = message.header
    elements = [(each["id"], bytes.fromhex(each["fragment"])) for each in question["elements"]]
    return bool(_security("verify_signature")(header.signature, elements, bytes.fromhex(question["leaf"])))


def open_key(question: dict[str, Any]) -> str:
    """The key that was encrypted for it."""
    load = _from("cryptography.hazmat.primitives.serialization", "load_pem_private_key")
    key = load(question["key"].encode(), None)
    public = _security("to_ec_pub_key")(bytes.fromhex(question["public"]))
    encrypted = bytes.fromhex(question["encrypted"])
    return str(_security("decrypt_priv_key")(encrypted, key, public).hex())


def seal_key(question: dict[str, Any]) -> dict[str, str]:
    """A key, encrypted for us."""
    load = _from("cryptography.hazmat.primitives.serialization", "load_pem_private_key")
    key = load(question["key"].encode(), None)
    public, encrypted = _security("encrypt_priv_key")(bytes.fromhex(question["leaf"]), key)
    return {"public": public.hex(), "encrypted": encrypted.hex()}


def main() -> None:
    """Answer."""
    question = json.load(sys.stdin)
    _from("iso15118.shared.settings", "load_shared_settings")()
    answer = {"verify": verify, "open": open_key, "seal": seal_key}[question["ask"]](question)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

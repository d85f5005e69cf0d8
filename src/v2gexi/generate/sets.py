"""The published message sets: main schema documents in the wheel `iso15118` or a folder laid out like it."""

from __future__ import annotations

from typing import Final

PUBLISHED: Final = {
    "app": "V2G_CI_AppProtocol.xsd",
    "din": "din_spec/V2G_CI_MsgDef.xsd",
    "iso2": "iso15118_2/V2G_CI_MsgDef.xsd",
    "iso20-common": "iso15118_20/V2G_CI_CommonMessages.xsd",
    "iso20-ac": "iso15118_20/V2G_CI_AC.xsd",
    "iso20-dc": "iso15118_20/V2G_CI_DC.xsd",
    "iso20-wpt": "iso15118_20/V2G_CI_WPT.xsd",
    "iso20-acdp": "iso15118_20/V2G_CI_ACDP.xsd",
    "xmldsig": "xmldsig-core-schema.xsd",
}

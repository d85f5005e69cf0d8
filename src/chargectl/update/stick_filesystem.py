"""Which file system a stick has, from its first bytes.

Only these are mounted, each by its own driver: what a hostile stick can reach of the kernel is that one
driver, not all that would guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 4096
"""So many bytes of the device are looked at."""

_EXT_MAGIC_AT: Final = 1024 + 56
_EXT_MAGIC: Final = b"\x53\xef"
_SECTOR_SIZES: Final = (512, 1024, 2048, 4096)
_CLUSTER_SECTORS: Final = frozenset(1 << power for power in range(8))
_REMOVABLE_MEDIA: Final = 0xF0
_FIRST_FIXED_MEDIA: Final = 0xF8


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system and how it is mounted: the kernel's name of the driver and the driver's options.

    ``fuse`` is a program that can mount it where the kernel has no driver.
    """

    label: str
    driver: str
    options: str
    fuse: str = ""


EXT: Final = FileSystem("ext2/3/4", "ext4", "noload,errors=continue")
"""noload: a journal that was not closed is left alone, as everything on the stick. errors: the superblock of
a hostile stick may say that the kernel shall panic."""
FAT: Final = FileSystem("FAT", "vfat", "utf8=1,fmask=0022,dmask=0022,errors=continue")
EXFAT: Final = FileSystem("exFAT", "exfat", "iocharset=utf8,fmask=0022,dmask=0022,errors=continue")
NTFS: Final = FileSystem("NTFS", "ntfs3", "iocharset=utf8,fmask=0022,dmask=0022", fuse="ntfs-3g")

FILE_SYSTEMS: Final = (EXT, FAT, EXFAT, NTFS)


def identify(head: bytes) -> FileSystem | None:
    """Tell the file system by the device's first HEAD_BYTES; None when it is none of the known ones."""
    if head[3:11] == b"EXFAT   ":
        return EXFAT
    if head[3:11] == b"NTFS    ":
        return NTFS
    if head[_EXT_MAGIC_AT : _EXT_MAGIC_AT + 2] == _EXT_MAGIC:
        return EXT
    return FAT if _is_fat(head) else None


def _is_fat(head: bytes) -> bool:
    """By the BIOS parameter block: its values, because a partition table bears the same mark at its end."""
    if len(head) < 512 or head[510:512] != b"\x55\xaa":
        return False
    sector_bytes = int.from_bytes(head[11:13], "little")
    reserved = int.from_bytes(head[14:16], "little")
    media = head[21]
    return (
        sector_bytes in _SECTOR_SIZES
        and head[13] in _CLUSTER_SECTORS
        and reserved > 0
        and head[16] in (1, 2)
        and (media == _REMOVABLE_MEDIA or media >= _FIRST_FIXED_MEDIA)
    )

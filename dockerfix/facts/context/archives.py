"""What ADD does more than COPY: fetching addresses and repositories, unpacking archives.

Follows BuildKit's `dispatchCopy`, `dfgitutil.ParseGitRef` and `isArchivePath`. Knows names and
the first bytes of files.
"""

from __future__ import annotations

import posixpath
import re

_BLOCK = 512
_NAME = re.compile(r"\.(tar(\.(gz|bz2|xz|zst|zstd))?|tgz|tbz2?|txz|tzst)$")
_SCP = re.compile(r"[\w.-]+@[\w.-]+:(?!//)")


def is_git(source: str) -> bool:
    """Whether a source is a Git repository: `git@host:path`, `ssh://`, `git://`, or an address
    that ends in `.git`."""
    if source.startswith(("http://", "https://")):
        return _path(source).endswith(".git")
    return source.startswith(("git://", "ssh://")) or _SCP.match(source) is not None


def is_address(source: str) -> bool:
    """Whether a source is fetched from the web."""
    return source.startswith(("http://", "https://")) and not is_git(source)


def is_fetched(source: str) -> bool:
    """Whether a source is no path but something that ADD fetches."""
    return is_address(source) or is_git(source)


def file_name(address: str) -> str:
    """The name that a fetched file gets."""
    return posixpath.basename(_path(address).rstrip("/")) or "__unnamed__"


def _path(address: str) -> str:
    from urllib.parse import urlsplit  # few builds fetch anything

    return urlsplit(address).path


def is_archive(name: str, data: bytes | None) -> bool:
    """Whether ADD unpacks a file: a tar file that is not empty, plain or compressed.

    The name counts where the bytes are not known (None), and for zstd, which the standard
    library cannot read.
    """
    if data is None or data.startswith(b"\x28\xb5\x2f\xfd"):
        return _NAME.search(name) is not None
    return _is_tar_header(_first_block(data))


def _first_block(data: bytes) -> bytes:
    """The first block after decompression; empty when it cannot be decompressed."""
    import bz2  # these take their time, and few ADDs are of archives
    import lzma
    import zlib

    try:
        if data.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(wbits=31).decompress(data, _BLOCK)
        if data.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(data, _BLOCK)
        if data.startswith(b"\xfd7zXZ\x00"):
            return lzma.LZMADecompressor().decompress(data, _BLOCK)
    except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError):
        return b""
    return data[:_BLOCK]


def _is_tar_header(block: bytes) -> bool:
    """Whether a block is a tar header by its checksum, which counts itself as blanks."""
    if len(block) < _BLOCK or not any(block):
        return False
    try:
        written = int(block[148:156].strip(b" \0") or b"0", 8)
    except ValueError:
        return False
    return written == sum(block) - sum(block[148:156]) + 8 * ord(" ")

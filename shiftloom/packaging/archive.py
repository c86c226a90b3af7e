"""Deterministic archives: members sorted, stored as they are, with a fixed time and owner.

Nothing is compressed, so the bytes do not depend on a version of zlib, and what an archive unpacks
to is never larger than itself; scp compresses on the line.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that the format can write."""
_UNIX = 3
_MODE = stat.S_IFREG | 0o644


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of relative paths and contents; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = _UNIX, _MODE << 16
            archive.writestr(info, files[name])
    return buffer.getvalue()

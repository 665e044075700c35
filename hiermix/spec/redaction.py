"""Keep credentials out of messages: a spec may hold a URL with a password in it."""

from __future__ import annotations

import re

URL_REST = re.compile(r"(?<=://)(?:[^'\",}\]]*@)?[^\s'\",}\]]+")
SECRET_KEY = re.compile(
    r"(?i)(?<![a-z])(?P<key>(?:password|passwd|pwd|secret|token|api[_-]?key)['\"]?\s*[:=]\s*['\"]?)"
    r"(?P<value>[^\s'\",}\]]+)"
)
CREDENTIALS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?P<user>[^\s@:/]*)(?P<colon>:?)[^\s@]*@")


def redact(text: str) -> str:
    """Star out what follows ``://`` or a key such as ``password``; carets stay right.

    Examples
    --------
    >>> redact("path: s3://key:secret@bucket/x.csv")
    'path: s3://***********************'
    >>> redact("{user: me, password: secret}")
    '{user: me, password: ******}'
    """
    text = URL_REST.sub(lambda found: "*" * len(found.group()), text)
    return SECRET_KEY.sub(lambda found: found["key"] + "*" * len(found["value"]), text)


def credentials_at(text: str) -> int | None:
    """Return the 1-based position of the secret of a URL in ``text``, ``None`` if there is none.

    Examples
    --------
    >>> credentials_at("postgresql://u:secret@h/db")
    16
    >>> credentials_at("a@b.org")
    """
    found = CREDENTIALS.search(text)
    if not found:
        return None
    return (found.end("colon") if found["colon"] else found.start("user")) + 1

"""Regular expressions that editors check with as people type: each takes whatever the loader takes, and little else.
The loader has the last word. Pure, and in the dialect that JSON Schema, Python and JavaScript share.
"""

from __future__ import annotations

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_IPV6 = r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"
_REGIONS = (
    "Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Chile|Etc|Europe|Indian|Mexico|Pacific|US"
)
_OLD_ZONES = (
    "CET|CST6CDT|Cuba|EET|EST|EST5EDT|Egypt|Eire|GB|GB-Eire|GMT|GMT[+-]?0|Greenwich|HST|Hongkong|Iceland|Iran|"
    "Israel|Jamaica|Japan|Kwajalein|Libya|MET|MST|MST7MDT|NZ|NZ-CHAT|Navajo|PRC|PST8PDT|Poland|Portugal|ROC|ROK|"
    "Singapore|Turkey|UCT|UTC|Universal|W-SU|WET|Zulu"
)

DURATION = r"^(?:[0-9]+[smhd])+$"
SECRET = r"^(?:generate|(?:env|vault):[A-Za-z_][A-Za-z0-9_]*|file:\S.*)$"  # noqa: S105 - where one is, never what it is
SECRET_IS = "generate, env:NAME, file:PATH or vault:NAME, never the secret itself"  # noqa: S105 - likewise
GIVEN_SECRET = r"^(?:(?:env|vault):[A-Za-z_][A-Za-z0-9_]*|file:\S.*)$"  # noqa: S105 - likewise
NETWORK = rf"^(?:{_IPV4}(?:/(?:[1-9]|[12][0-9]|3[0-2]|{_IPV4}))?|{_IPV6}(?:/(?:[1-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))?)$"
DOMAIN = r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$"
ZONE = rf"^(?:(?:{_REGIONS})/[A-Za-z0-9_+/-]+|{_OLD_ZONES})$"
DAY = r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"


def _field(numbers: str, names: str = "") -> str:
    """One of the five of a crontab line; names in any letters."""
    words = "|".join("".join(f"[{letter.upper()}{letter}]" for letter in name) for name in names.split())
    one = rf"(?:0?{numbers}{f'|{words}' if words else ''})"
    item = rf"(?:\*|{one}(?:-{one})?)(?:/[1-9][0-9]?)?"
    return rf"{item}(?:,{item})*"


_FIELDS = (
    _field("[0-5]?[0-9]"),
    _field("(?:2[0-3]|1?[0-9])"),
    _field("(?:3[01]|[12][0-9]|[1-9])"),
    _field("(?:1[0-2]|[1-9])", "jan feb mar apr may jun jul aug sep oct nov dec"),
    _field("[0-7]", "sun mon tue wed thu fri sat"),
)
CRON = "^\\s*" + "\\s+".join(_FIELDS) + "\\s*$"
"""Minute, hour, day, month, weekday."""

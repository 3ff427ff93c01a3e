"""What AWS rents and what that costs, from the dated table in `types.json`. Pure but for reading that file.

A price that the table does not have is None. Nothing is derived from another region's price but the order of offers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from runner.errors import InvalidRequestError
from runner.providers.market import Offer

DEFAULT_REGION = "us-east-1"
HOURS_PER_MONTH = 730
_TABLE = Path(__file__).with_name("types.json")
_ALIASES = {"rtxpro6000": "rtxproserver6000"}


def candidates(options: Mapping[str, Any], needs: Mapping[str, Any]) -> list[Offer]:
    """What fits, cheapest first: types × regions. Empty when nothing fits.

    `options` is `machine:` of a deployment: type, gpu, gpus, vram_gb (of one GPU), ram_gb, vcpus, arch, spot, and
    region: a name, or several in the order of preference. `needs` is that of the spec (vram_gb of all GPUs together,
    ram_gb) with `gpus`: all | auto | none, as the service asks for them.
    Raises InvalidRequestError with a suggestion when a GPU, type or region is not known.
    """
    places = regions(options)
    if options.get("type"):
        return [offer(str(options["type"]), place) for place in places]
    model = _gpu_name(str(options["gpu"])) if options.get("gpu") else ""
    fitting = [row for row in _rows() if _fits(row, model, options, needs)]
    fitting.sort(key=_order)
    return [_offer(row, place) for place in places for row in fitting]


def offers(places: Iterable[str] = (DEFAULT_REGION,)) -> list[Offer]:
    """All types of the table in these regions, in no order."""
    return [_offer(row, place) for place in places for row in _rows()]


def offer(name: str, region: str) -> Offer:
    """One type, also one that the table does not have. Raises InvalidRequestError when it looks like a slip."""
    row = next((row for row in _rows() if row["type"] == name), None)
    if row is not None:
        return _offer(row, region)
    known = [row["type"] for row in _rows()]
    family = name.partition(".")[0]
    if not re.fullmatch(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", name) or family in {one.partition(".")[0] for one in known}:
        raise _unknown("type", name, known)
    return Offer(name, region, "", 0, 0, 0, 0, None, None)


def regions(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The regions that the options name, each of which exists."""
    named = options.get("region") or DEFAULT_REGION
    places = (named,) if isinstance(named, str) else tuple(named)
    for place in places:
        if place not in _table()["regions"]:
            raise _unknown("region", place, _table()["regions"])
    return places


def estimate(options: Mapping[str, Any], needs: Mapping[str, Any]) -> dict[str, Any] | None:
    """{hourly, currency, source, as_of} of the first choice; None when unknown. Spot: the most that it can cost."""
    try:
        found = candidates(options, needs)
    except InvalidRequestError:
        return None
    hourly, cap = (found[0].hourly if found else None), options.get("max_price")
    if hourly is None:
        return None
    what = f"{found[0].type} in {found[0].region}"
    if not options.get("spot"):
        return _price(found[0], hourly, f"{what}, {found[0].source}")
    if cap is not None and cap < hourly:
        return _price(found[0], float(cap), f"{what}, your max_price: spot costs at most that")
    return _price(found[0], hourly, f"{what}, on demand: spot costs at most that")


def stopped(options: Mapping[str, Any], disk_gb: float) -> dict[str, Any] | None:
    """What a stopped machine costs: its volume. {hourly, currency, source, as_of}; None when unknown."""
    volume = _table()["volumes"].get(regions(options)[0])
    if volume is None:
        return None
    hourly = round(disk_gb * volume["monthly_per_gb"] / HOURS_PER_MONTH, 6)
    source = f"{disk_gb:g} GB, {volume['source']}"
    return {"hourly": hourly, "currency": volume["currency"], "source": source, "as_of": volume["as_of"]}


def misfit(options: Mapping[str, Any], needs: Mapping[str, Any]) -> str:
    """Why nothing that AWS has can fit, as a sentence with what to do; empty when something does."""
    try:
        if candidates(options, needs):
            return ""
    except InvalidRequestError as error:
        return f"{error}; {error.hint}" if error.hint else str(error)
    wanted = ", ".join(_wishes(options, needs)) or "these options"
    return f"no type has {wanted}; runner offers lists them all"


def _wishes(options: Mapping[str, Any], needs: Mapping[str, Any]) -> Iterator[str]:
    if options.get("gpu"):
        yield f"{_gpus(options, needs)} × {options['gpu']}"
    elif options.get("gpus") or needs.get("gpu_count"):
        yield f"{_gpus(options, needs)} GPUs"
    if options.get("vram_gb"):
        yield f"GPUs of {options['vram_gb']:g} GB"
    if needs.get("vram_gb"):
        yield f"{needs['vram_gb']:g} GB of GPU memory"
    if ram := _ram(options, needs):
        yield f"{ram:g} GB of memory"
    if options.get("vcpus"):
        yield f"{options['vcpus']} vCPUs"


def _fits(row: Mapping[str, Any], model: str, options: Mapping[str, Any], needs: Mapping[str, Any]) -> bool:
    if (
        row["arch"] != options.get("arch", "x86_64")
        or row["type"].endswith(".metal")
        or (options.get("spot") and not row["spot"])
    ):
        return False
    if row["ram_gb"] < _ram(options, needs) or row["vcpus"] < (options.get("vcpus") or 0):
        return False
    if not _wants_gpu(options, needs):
        return not row["gpu"]
    return (
        bool(row["gpu"])
        and (not model or (row["gpu"] == model and row["share"] == 1))  # whoever names a GPU means a whole one
        and row["gpus"] >= _gpus(options, needs)
        and row["vram_gb"] >= (options.get("vram_gb") or 0)
        and row["vram_gb"] * row["gpus"] >= (needs.get("vram_gb") or 0)
    )


def _wants_gpu(options: Mapping[str, Any], needs: Mapping[str, Any]) -> bool:
    """A service that only may use a GPU gets one when GPU memory is asked for, by the file or by its model."""
    asked = any(options.get(name) for name in ("gpu", "gpus", "vram_gb"))
    return asked or needs.get("gpus") == "all" or (needs.get("vram_gb") or 0) > 0


def _gpus(options: Mapping[str, Any], needs: Mapping[str, Any]) -> int:
    """How many, at least: as the file says, or as many as its model is spread over."""
    return max(int(options.get("gpus") or 1), int(needs.get("gpu_count") or 1))


def _ram(options: Mapping[str, Any], needs: Mapping[str, Any]) -> float:
    return max(options.get("ram_gb") or 0, needs.get("ram_gb") or 0)


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """By the price in the region that the table has; types are ordered much the same everywhere. Unknown ones last."""
    hourly = _prices().get((row["type"], DEFAULT_REGION))
    return (hourly is None, hourly["hourly"] if hourly else 0, row["vcpus"], row["type"])


def _offer(row: Mapping[str, Any], region: str) -> Offer:
    price = _prices().get((row["type"], region), {})
    return Offer(
        **{name: row[name] for name in ("type", "gpu", "gpus", "vram_gb", "ram_gb", "vcpus", "arch", "spot", "share")},
        region=region,
        hourly=price.get("hourly"),
        spot_hourly=None,
        currency=price.get("currency", "USD"),
        source=price.get("source", ""),
        as_of=price.get("as_of", ""),
        about=_prices().get((row["type"], DEFAULT_REGION), {}).get("hourly"),
    )


def _price(one: Offer, hourly: float, source: str) -> dict[str, Any]:
    return {"hourly": hourly, "currency": one.currency, "source": source, "as_of": one.as_of}


def _gpu_name(wanted: str) -> str:
    """As the table spells it. Raises InvalidRequestError when nothing is called so."""
    known = {_plain(row["gpu"]): row["gpu"] for row in _rows() if row["gpu"]}
    word = _plain(wanted)
    found = known.get(_ALIASES.get(word, word))
    if found is None:
        raise _unknown("gpu", wanted, known.values(), title="GPU")
    return str(found)


def _plain(name: str) -> str:
    return re.sub(r"nvidia|[^a-z0-9]", "", name.lower())


def _unknown(what: str, word: str, known: Iterable[str], title: str = "") -> InvalidRequestError:
    from difflib import get_close_matches

    plain = {_plain(name): name for name in sorted(known)}
    close = [plain[name] for name in get_close_matches(_plain(word), plain, n=3, cutoff=0.5)]
    names = sorted(plain.values())
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names)}"
    return InvalidRequestError(f"AWS has no {title or what} {word}", code=f"unknown-{what}", hint=hint)


def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _table()["types"]
    return rows


@cache
def _prices() -> dict[tuple[str, str], dict[str, Any]]:
    """(type, region) → {hourly, currency, source, as_of}."""
    return {
        (name, listed["region"]): {"hourly": hourly, **{key: listed[key] for key in ("currency", "source", "as_of")}}
        for listed in _table()["prices"]
        for name, hourly in listed["hourly"].items()
    }


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table

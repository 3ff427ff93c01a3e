"""A plan as JSON: what `plan --json` prints, `plan --out` saves and `reconcile --plan` reads back. Format 1.

    {"format": 1, "commit", "inputs", "observed",
     "actions": [{"deployment", "provider", "action", "reason", "hint", "code",
                  "exposure": {"before", "after", "opens"} or null,
                  "effect": {"restarts", "deletes": names of data, "bytes" of it, null: unknown, "leaves": where it is},
                  "guards": [{"field", "before", "after"}] that protect less from now on,
                  "resolved": what it is about, every choice made (see `runner.resolved`), or null,
                  "changes": [{"field", "before", "after", "forces_replacement"}],
                  "price": {"hourly_before", "hourly_after", "currency", "source", "as_of"}}],
     "warnings": [what stands in the way of nothing, and should be known],
     "summary": {"destroy", "replace", "create", "update", "start", "stop", "blocked", "held", "none": counts,
                 "hourly_delta", "monthly_delta", "currency", "known_hourly_deltas", "unknown_prices"}}

A price that is null is unknown. `hourly_delta` and `monthly_delta` are null unless every price is known and in one
currency; what is known stands in `known_hourly_deltas`, by currency. `code` is the stable name of what blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from runner.domain import CHANGING, ORDER, Action, Change, Effect, Exposure, Guard, Kind, Plan
from runner.errors import UsageError
from runner.render.units import HOURS_PER_MONTH

FORMAT = 1


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as the JSON document of the CLI contract."""
    return {
        "format": FORMAT,
        "commit": plan.commit,
        "inputs": plan.inputs,
        "observed": plan.observed,
        "actions": [action_json(action) for action in plan.actions],
        "warnings": list(plan.warnings),
        "summary": summary(plan.actions),
    }


def plan_from_json(data: Any) -> Plan:
    """The plan of a saved document. Raises UsageError when it is none, or of a newer format."""
    if not isinstance(data, dict) or "actions" not in data:
        raise _unreadable("it is not a saved plan")
    if data.get("format") != FORMAT:
        raise _unreadable(f"its format is {data.get('format')!r}, and this version reads {FORMAT}")
    try:
        return Plan(
            actions=tuple(_action(item) for item in data["actions"]),
            commit=data.get("commit", ""),
            inputs=data.get("inputs", ""),
            observed=data.get("observed", ""),
            warnings=tuple(data.get("warnings") or ()),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(f"an action in it is damaged ({error})") from error


def action_json(action: Action) -> dict[str, Any]:
    """One action of the document."""
    return {
        "deployment": action.deployment,
        "provider": action.provider,
        "action": action.kind.value,
        "reason": action.reason,
        "hint": action.hint,
        "code": action.code,
        "exposure": asdict(action.exposure) if action.exposure else None,
        "effect": {
            **asdict(action.effect),
            "deletes": list(action.effect.deletes),
            "leaves": list(action.effect.leaves),
        },
        "guards": [asdict(guard) for guard in action.guards],
        "resolved": action.resolved or None,
        "changes": [
            {
                "field": change.field,
                "before": change.before,
                "after": change.after,
                "forces_replacement": change.forces_replacement,
            }
            for change in action.changes
        ],
        "price": {
            "hourly_before": action.hourly_before,
            "hourly_after": action.hourly_after,
            "currency": action.currency,
            "source": action.price_source,
            "as_of": action.price_as_of,
        },
    }


def to_show(plan: Plan) -> list[Action]:
    """What has something to say: what is to be done or stands in the way, and what protects less from now on."""
    told = (action for action in plan.actions if action.kind is not Kind.NONE or action.guards)
    return sorted(told, key=lambda action: ORDER.index(action.kind))


def summary(actions: Sequence[Action]) -> dict[str, Any]:
    """Counts per kind, and what the changing actions add to the bill."""
    counts = dict.fromkeys((kind.value for kind in ORDER), 0)
    deltas: dict[str, float] = {}
    unknown = 0
    for action in actions:
        counts[action.kind.value] += 1
        if action.kind not in CHANGING:
            continue
        if action.hourly_before is None or action.hourly_after is None:
            unknown += 1
        elif action.hourly_before or action.hourly_after:
            delta = action.hourly_after - action.hourly_before
            deltas[action.currency] = round(deltas.get(action.currency, 0.0) + delta, 6)
    total = None if unknown or len(deltas) > 1 else sum(deltas.values())
    return {
        **counts,
        "hourly_delta": total,
        "monthly_delta": None if total is None else round(total * HOURS_PER_MONTH, 2),
        "currency": next(iter(deltas)) if len(deltas) == 1 else None,
        "known_hourly_deltas": deltas,
        "unknown_prices": unknown,
    }


def _action(data: dict[str, Any]) -> Action:
    price = data["price"]
    return Action(
        deployment=data["deployment"],
        provider=data["provider"],
        kind=Kind(data["action"]),
        reason=data["reason"],
        hint=data.get("hint", ""),
        code=data.get("code", ""),
        exposure=Exposure(**data["exposure"]) if data.get("exposure") else None,
        effect=_effect(data.get("effect") or {}),
        guards=tuple(Guard(**guard) for guard in data.get("guards", ())),
        resolved=dict(data.get("resolved") or {}),
        changes=tuple(
            Change(item["field"], item["before"], item["after"], item["forces_replacement"]) for item in data["changes"]
        ),
        hourly_before=price["hourly_before"],
        hourly_after=price["hourly_after"],
        currency=price["currency"],
        price_source=price["source"],
        price_as_of=price["as_of"],
    )


def _effect(data: dict[str, Any]) -> Effect:
    deletes, leaves = (tuple(data.get(key, ())) for key in ("deletes", "leaves"))
    return Effect(bool(data.get("restarts")), deletes, leaves, data.get("bytes"))


def _unreadable(why: str) -> UsageError:
    return UsageError(
        f"the saved plan cannot be used: {why}", code="bad-plan-file", hint="make a new one: runner plan --out FILE"
    )

"""Services that moto has not, or not for EC2: quotas, prices, and the parameters of machine images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.lab.cloud import images
from tests.lab.cloud.faults import Call

QUOTAS = {
    "L-1216C47A": ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 32.0),
    "L-DB2E81BA": ("Running On-Demand G and VT instances", 64.0),
    "L-417A185B": ("Running On-Demand P instances", 0.0),
    "L-34B43A08": ("All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 32.0),
    "L-3819A6DF": ("All G and VT Spot Instance Requests", 64.0),
    "L-7212CCBC": ("All P4, P3 and P2 Spot Instance Requests", 0.0),
    "L-C4BD4855": ("All P5 Spot Instance Requests", 0.0),
}
"""Code → name, and what a new cloud of the lab has."""


class Answers:
    """What tests set; the cloud answers with it."""

    def __init__(self) -> None:
        self.quotas: dict[str, float] = {code: value for code, (_, value) in QUOTAS.items()}
        self.prices: dict[tuple[str, str], float] = {}
        """(type, region) → USD per hour, on demand."""

    def __call__(self, call: Call) -> Mapping[str, Any] | None:
        """The answer, or None when moto has it."""
        known = {
            "GetParameter": self._parameter,
            "ListServiceQuotas": self._quotas,
            "GetServiceQuota": self._quota,
            "GetAWSDefaultServiceQuota": self._default,
            "GetProducts": self._products,
        }
        return known[call.action](call) if call.action in known else None

    @staticmethod
    def _parameter(call: Call) -> Mapping[str, Any] | None:
        image = images.by_parameter(call.params.get("Name", ""))
        if image is None:
            return None
        return {"Parameter": {"Name": image.parameter, "Type": "String", "Value": image.id, "Version": 1}}

    def _quotas(self, call: Call) -> Mapping[str, Any]:
        del call
        return {"Quotas": [self._row(code) for code in sorted(self.quotas)]}

    def _quota(self, call: Call) -> Mapping[str, Any]:
        code = call.params.get("QuotaCode", "")
        if code not in self.quotas:
            return {"__type": "NoSuchResourceException", "message": f"The request failed: no quota {code}"}
        return {"Quota": self._row(code)}

    @staticmethod
    def _default(call: Call) -> Mapping[str, Any]:
        code = call.params.get("QuotaCode", "")
        name, value = QUOTAS.get(code, (code, 0.0))
        return {"Quota": {"ServiceCode": "ec2", "QuotaCode": code, "QuotaName": name, "Value": value}}

    def _row(self, code: str) -> dict[str, Any]:
        name = QUOTAS[code][0] if code in QUOTAS else code
        return {"ServiceCode": "ec2", "QuotaCode": code, "QuotaName": name, "Value": self.quotas[code], "Unit": "None"}

    def _products(self, call: Call) -> Mapping[str, Any]:
        wanted = {rule["Field"]: rule["Value"] for rule in json.loads(call.params.get("Filters", "[]"))}
        rows = [
            json.dumps(_product(kind, region, price))
            for (kind, region), price in sorted(self.prices.items())
            if wanted.get("instanceType", kind) == kind and wanted.get("regionCode", region) == region
        ]
        return {"FormatVersion": "aws_v1", "PriceList": rows}


def _product(kind: str, region: str, price: float) -> dict[str, Any]:
    return {
        "product": {"productFamily": "Compute Instance", "attributes": {"instanceType": kind, "regionCode": region}},
        "publicationDate": "2026-11-01T00:00:00Z",
        "terms": {
            "OnDemand": {
                "SKU.JRTCKXETXF": {
                    "effectiveDate": "2026-11-01T00:00:00Z",
                    "priceDimensions": {
                        "SKU.JRTCKXETXF.6YS6EN2CT7": {"unit": "Hrs", "pricePerUnit": {"USD": str(price)}}
                    },
                }
            }
        },
    }

"""Where the run's spans go: to the collector of community.general's OpenTelemetry callback, by the same settings.

That callback takes them from the environment, as every OpenTelemetry SDK does. We speak OTLP over HTTP alone, in its
JSON encoding, so that nothing has to be installed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

from ansible_reap.posting import is_web_address
from ansible_reap.records import dataclass, field

CALLBACKS = frozenset({"community.general.opentelemetry", "opentelemetry"})
_GRPC_PORT = 4317
"""The port that OTLP has over gRPC; over HTTP it is 4318."""
_PREFIX = "OTEL_EXPORTER_OTLP_"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to send the spans, and what the environment adds to them."""

    address: str
    headers: Mapping[str, str] = field(repr=False)
    resource: Mapping[str, str]
    parent: str | None
    """The ``traceparent`` (W3C Trace Context) of the span that the run belongs to."""


def destination(enabled: Iterable[str], environment: Mapping[str, str]) -> Destination | str | None:
    """Where to send spans; a reason, in one line, why they cannot be sent though they are wanted; None: not wanted.

    ``enabled`` are the callbacks that Ansible is told to enable.
    """
    base, exact = environment.get(f"{_PREFIX}ENDPOINT"), environment.get(f"{_PREFIX}TRACES_ENDPOINT")
    if not (base or exact) or not CALLBACKS.intersection(enabled) or _is_switched_off(environment):
        return None
    address = exact or f"{(base or '').rstrip('/')}/v1/traces"
    if not is_web_address(address):
        return f"{_PREFIX}ENDPOINT is not an http or https address"
    protocol = environment.get(f"{_PREFIX}TRACES_PROTOCOL") or environment.get(f"{_PREFIX}PROTOCOL") or ""
    if protocol == "grpc" or (not protocol and urlsplit(address).port == _GRPC_PORT):
        return f"spans go over HTTP only, and {_PREFIX}ENDPOINT is for gRPC"
    headers = {
        **_pairs(environment.get(f"{_PREFIX}HEADERS", "")),
        **_pairs(environment.get(f"{_PREFIX}TRACES_HEADERS", "")),
    }
    service = environment.get("OTEL_SERVICE_NAME")
    resource = _pairs(environment.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    return Destination(
        address,
        headers,
        {**resource, **({"service.name": service} if service else {})},
        environment.get("TRACEPARENT"),
    )


def _is_switched_off(environment: Mapping[str, str]) -> bool:
    """By the SDK's own switch, by its choice of exporter, or by the callback's own condition."""
    condition = environment.get("ANSIBLE_OPENTELEMETRY_ENABLE_FROM_ENVIRONMENT")
    return (
        environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
        or environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp"
        or bool(condition and environment.get(condition, "false").lower() != "true")
    )


def _pairs(text: str) -> dict[str, str]:
    """``key=value`` pairs with commas between them, values percent-encoded, as W3C Baggage has them."""
    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {key.strip(): unquote(value.strip()) for key, _, value in pairs}

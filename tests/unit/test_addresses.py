"""To which addresses a run tells of itself."""

from __future__ import annotations

import pytest

from ansible_reap.posting import shown_address
from ansible_reap.runtime.output.spans import Destination, destination
from ansible_reap.runtime.policy.options import parse

ENABLED = ["async_reaper", "community.general.opentelemetry"]
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}


@pytest.mark.parametrize("address", ["ftp://me:passw0rd@host/", "passw0rd", "http://", "http://h:passw0rd/", "{{ x }}"])
def test_a_webhook_that_is_no_address_is_one_warning_that_does_not_show_it(address: str) -> None:
    told: list[str] = []
    assert parse({"webhook": address}, told.append).webhook == ""
    assert told == ["async_reaper: webhook is not an http or https address; using none."]


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    secret = "https://me:passw0rd@hooks.example.org:8443/services/t0ken?key=k#f"
    assert shown_address(secret) == "https://hooks.example.org:8443"
    assert "passw0rd" not in repr(parse({"webhook": secret}, pytest.fail))


@pytest.mark.parametrize(
    "settings",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"ANSIBLE_OPENTELEMETRY_ENABLE_FROM_ENVIRONMENT": "CI_BUILD", "CI_BUILD": "no"},
    ],
)
def test_spans_are_not_sent_where_the_opentelemetry_callback_sends_none(settings: dict[str, str]) -> None:
    assert isinstance(destination(ENABLED, ENDPOINT), Destination)
    assert destination(ENABLED, {**ENDPOINT, **settings}) is None
    assert destination(["async_reaper"], ENDPOINT) is None
    assert destination(ENABLED, {}) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
    ],
)
def test_an_endpoint_that_does_not_speak_http_is_told(settings: dict[str, str]) -> None:
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in str(destination(ENABLED, {**ENDPOINT, **settings}))


def test_the_environment_says_where_spans_go_and_what_goes_with_them() -> None:
    environment = {
        **ENDPOINT,
        "OTEL_EXPORTER_OTLP_HEADERS": "a=1,b=x%20y",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "a=2",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=prod,service.name=other",
        "OTEL_SERVICE_NAME": "nightly",
    }
    where = destination(ENABLED, environment)
    assert isinstance(where, Destination)
    assert where.address == "http://collector:4318/v1/traces"
    assert where.headers == {"a": "2", "b": "x y"}
    assert where.resource == {"deployment.environment.name": "prod", "service.name": "nightly"}
    exact = destination(ENABLED, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x/y"})
    assert isinstance(exact, Destination)
    assert exact.address == "https://x/y"

"""How long a job may outlive its limit, by release."""

import re

import pytest

from ansible_reap.timing import KILLING_RELEASES, KILLS_NEAR_THE_LIMIT, kill_margin


@pytest.mark.parametrize(
    ("core", "seconds"),
    [
        ((2, 16, 19), 10),
        ((2, 17, 14), 10),
        ((2, 18, 18), 10),
        ((2, 18, 19), 5),
        ((2, 19, 11), 10),
        ((2, 19, 12), 5),
        ((2, 20, 7), 10),
        ((2, 20, 8), 5),
        ((2, 21, 1), 10),
        ((2, 21, 5), 5),
        ((2, 22, 0), 5),
        ((3, 0), 5),
        ((2, 21), 10),
    ],
)
def test_a_release_kills_near_the_limit_or_later(core: tuple[int, ...], seconds: int) -> None:
    assert kill_margin(core) == seconds


def test_the_releases_are_named_as_the_table_has_them() -> None:
    named = [".".join(map(str, (*version, patch))) for version, patch in KILLS_NEAR_THE_LIMIT.items()]
    assert re.findall(r"\d+\.\d+\.\d+", KILLING_RELEASES) == named

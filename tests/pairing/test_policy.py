"""The policy's parameters: defaults, bounds, and its text."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairing.encoding import b64u
from pairing.errors import PairingError
from pairing.policy import DAY_S, DEFAULT_CHECKS, Policy, policy_hash

PROTOCOL = Path(__file__).parents[2] / "protocol.md"
DURATIONS = [item.name for item in fields(Policy) if item.name != "checks"]
WEIGHTS = ["required", "review", "off"]
POLICIES = st.fixed_dictionaries(
    {},
    optional={name: st.integers(0, DAY_S) for name in DURATIONS}
    | {
        "checks": st.fixed_dictionaries(
            {},
            optional={name: st.sampled_from(WEIGHTS) for name in DEFAULT_CHECKS}
            | {"recording": st.just("required")},
        )
    },
)


def test_the_defaults_are_those_of_the_protocol() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \| `?(\w+)`? \|", PROTOCOL.read_text(encoding="utf-8"), re.MULTILINE)
    stated = {
        name.strip("`"): default
        for names, default in rows
        if re.fullmatch(r"`(\w+_s|checks\..*)`", names)
        for name in names.replace("checks", "").split(", ")
    }
    policy = Policy.from_json({})
    assert {f".{name}": weight for name, weight in policy.checks.items()} | {
        name: str(getattr(policy, name)) for name in DURATIONS
    } == stated
    assert Policy() == policy


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("value", [0, 1, DAY_S - 1, DAY_S])
def test_durations_within_a_day(name: str, value: int) -> None:
    assert getattr(Policy.from_json({name: value}), name) == value


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("value", [-1, DAY_S + 1, 2**53, True, 1.0, 60.5, "60", None, [60], {}], ids=repr)
def test_anything_else_is_no_duration(name: str, value: object) -> None:
    with pytest.raises(PairingError, match=name) as refusal:
        Policy.from_json({name: value})
    assert refusal.value.code == "policy_invalid"


@pytest.mark.parametrize("check", sorted(DEFAULT_CHECKS.keys() - {"recording"}))
@pytest.mark.parametrize("weight", WEIGHTS)
def test_each_check_takes_each_weight(check: str, weight: str) -> None:
    assert Policy.from_json({"checks": {check: weight}}).checks == {**DEFAULT_CHECKS, check: weight}


@pytest.mark.parametrize(
    "given_policy",
    [
        {"checks": {"recording": "review"}}, {"checks": {"recording": "off"}},
        {"checks": {"scan": "sometimes"}}, {"checks": {"scan": True}}, {"checks": {"scan": None}},
        {"checks": {"proctor": "off"}},
        {"checks": ["scan"]}, {"checks": None}, {"max_gaps": 3}, {"": 0},
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_policy(given_policy: dict[str, object]) -> None:
    with pytest.raises(PairingError) as refusal:
        Policy.from_json(given_policy)
    assert refusal.value.code == "policy_invalid"


@given(POLICIES)
def test_its_text_says_all_of_it(given_policy: dict[str, Any]) -> None:
    policy = Policy.from_json(given_policy)
    text = policy.to_text()
    written = json.loads(text)
    assert Policy.from_json(written) == policy
    assert Policy.from_json(written).to_text() == text
    assert written.keys() == {*DURATIONS, "checks"}
    assert written["checks"] == DEFAULT_CHECKS | given_policy.get("checks", {})
    assert policy_hash(text) == b64u(hashlib.sha256(text.encode()).digest())


@given(POLICIES)
def test_what_is_not_given_is_the_default(given_policy: dict[str, Any]) -> None:
    policy = Policy.from_json(given_policy)
    for name in DURATIONS:
        assert getattr(policy, name) == given_policy.get(name, getattr(Policy(), name))


def test_a_policy_is_fixed() -> None:
    given_policy: dict[str, Any] = {"checks": {"scan": "required"}}
    policy = Policy.from_json(given_policy)
    given_policy["checks"]["scan"] = "off"
    assert policy.checks["scan"] == "required"
    for checks in (policy.checks, Policy().checks, DEFAULT_CHECKS):
        with pytest.raises(TypeError):
            checks["scan"] = "off"  # type: ignore[index]

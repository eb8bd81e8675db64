"""Binding and rebind in every order that requests, losses and an attacker can come in (`binding.pml`)."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

MODEL = Path(__file__).with_name("binding.pml")
SAFETY_S = 120  # a broken check must not hang; a whole one takes a few seconds
DEEPEST = 1_000

# What is found once the rule that the switch takes away is missing.
WITHOUT = {
    "OFFER_NOT_CONSUMED": "assertion violated (key==looked_at)",
    "CONFIRM_NAMES_NO_KEY": "assertion violated (key==looked_at)",
    "CLAIM_ANSWERED_ONCE": "(spent_by[secret]!=me)",
    "REFUSAL_OPENS_NO_OFFER": "invalid end state",
    "REBIND_KEEPS_THE_OLD": "(stage[2]==2))+(stage[3]==2))==1)",
}


@dataclass(frozen=True)
class Checked:
    """What the checker says: counter-examples found, and its whole report."""

    errors: int
    report: str

    @property
    def unreached(self) -> list[str]:
        """Statements that no run comes to, apart from the ends of processes that go on."""
        return [line for line in re.findall(r"state \d+, (.*)", self.report) if line != '"-end-"']


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SAFETY_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(folder: Path, *, switch: str = "", endless_runs: bool = False) -> Checked:
    """Checks the model as `switch` changes it: assertions and ends, or only whether a run can be endless."""
    _run(folder, "spin", *([f"-D{switch}"] if switch else []), "-a", str(MODEL))
    kind = ("-DNP",) if endless_runs else ("-DSAFETY",)
    _run(folder, "gcc", "-O1", "-w", *kind, "-o", "pan", "pan.c")
    report = _run(folder, "./pan", f"-m{DEEPEST}", *(("-l",) if endless_runs else ()))
    found = re.search(r"errors: (\d+)", report)
    assert found, report
    assert "max search depth too small" not in report
    return Checked(int(found[1]), report)


def test_only_the_compared_phone_is_bound_and_every_run_binds_it(tmp_path: Path) -> None:
    checked = check(tmp_path)
    assert checked.errors == 0, checked.report
    assert checked.unreached == []


def test_no_run_is_endless(tmp_path: Path) -> None:
    checked = check(tmp_path, endless_runs=True)
    assert checked.errors == 0, checked.report


@pytest.mark.parametrize("switch", WITHOUT)
def test_no_rule_can_be_left_out(switch: str, tmp_path: Path) -> None:
    checked = check(tmp_path, switch=switch)
    assert checked.errors == 1
    assert WITHOUT[switch] in checked.report


def test_every_switch_of_the_model_is_tried() -> None:
    assert set(re.findall(r"#ifn?def (\w+)", MODEL.read_text(encoding="utf-8"))) == set(WITHOUT)

"""The command that judges a bundle offline."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evidence_server.commands.terminal import INCOMPLETE, UNVERIFIED, USAGE, Json, Language, console, fail
from evidence_server.commands.wording import describe, finding_line

if TYPE_CHECKING:
    from evidence_server.proof import Proof


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A *.bundle.zip.")],
    jwks: Annotated[Path | None, typer.Option(help="The server's keys, obtained independently.")] = None,
    measure: Annotated[bool, typer.Option(help="Measure the media again, too.")] = True,
    lang: Language = "en",
    json_: Json = False,
) -> None:
    """Judge a bundle again, without server and network; exit 3 if anything was altered."""
    # Imported here alone: the commands that are only HTTP clients do without.
    from evidence_server.proof import prove
    from evidence_server.remeasure import measure_again

    if not bundle.is_file():
        fail(f"There is no file {bundle}.", USAGE)
    try:
        trusted = None if jwks is None else json.loads(jwks.read_text())
    except (OSError, ValueError) as error:
        fail(f"{jwks} is not a key set: {error}", USAGE)
    proof = prove(bundle, trusted)
    if proof.holds and measure:
        asyncio.run(measure_again(bundle, proof))
    word = proof.state.verdicts[-1].claims["word"] if proof.state and proof.state.verdicts else "none"
    if json_:
        print(json.dumps(_proof_json(proof, word)))
    else:
        _print_proof(proof, word, lang)
    if not proof.holds:
        raise typer.Exit(UNVERIFIED)
    raise typer.Exit(0 if word == "complete" else INCOMPLETE)


def _proof_json(proof: Proof, word: str) -> dict[str, Any]:
    judged = proof.holds and proof.state is not None and proof.state.verdicts
    return {
        "holds": proof.holds, "verdict": word if proof.holds else None, "key": proof.key,
        "trusted": proof.trusted,
        "findings": [{"step": item.step, "holds": item.holds, "says": item.says} for item in proof.findings],
        "claims": proof.state.verdicts[-1].claims if proof.state and judged else None,
    }


def _print_proof(proof: Proof, word: str, lang: str) -> None:
    for finding in proof.findings:
        line = finding_line(finding.step, finding.holds, finding.says, lang)
        console.print(line, markup=False)
    if not proof.trusted and proof.key:
        says = f"key {proof.key}: not trusted; compare it with the server's, or name --jwks"
        console.print(says, markup=False)
    if not proof.holds:
        console.print("verdict: cannot be verified")
        return
    if proof.state and proof.state.verdicts:
        for line in describe(proof.state.verdicts[-1].claims, lang):
            console.print(line, markup=False)
    console.print(f"verdict: {word}")

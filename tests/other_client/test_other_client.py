"""A second phone, written by someone who had only protocol.md, against the real server."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
from aiohttp import ClientSession
from rich.console import Console

from demo.camera import render
from demo.commands import Server, command
from tests.node import node
from tests.other_client.between import Alter, Between, Body, spoilt
from tests.sittings import of_recording

PHONE = Path(__file__).parent / "phone.mjs"
FILM_S = 5
PATIENCE_S = 30
NO_SCAN = {"checks": {"scan": "review"}}
_SILENT = Console(file=io.StringIO())


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a phone's recorder gives: fragmented MP4 with H.264 and AAC, a fragment for every two seconds."""
    folder = tmp_path_factory.mktemp("other-camera")
    render(folder / "camera.mp4", seconds=FILM_S, rate=10, width=160, height=120)
    movflags = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with (
        av.open(str(folder / "camera.mp4")) as camera,
        av.open(str(folder / "film.mp4"), "w", format="mp4", options=movflags) as film,
    ):
        tracks = {stream.index: film.add_stream_from_template(stream) for stream in camera.streams}
        for packet in camera.demux():
            if packet.dts is not None:
                packet.stream = tracks[packet.stream.index]
                film.mux(packet)
    return folder / "film.mp4"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    started = Server(_SILENT, tmp_path / "data")
    await started.start()
    yield started
    await started.stop()


@dataclass
class OtherPhone:
    """The Node process, and what it has printed."""

    process: asyncio.subprocess.Process
    printed: str = ""

    async def until(self, pattern: str) -> str:
        """The first group of this pattern, once it has printed it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while not (found := re.search(pattern, self.printed, re.MULTILINE)):
                line = await self.process.stdout.readline()
                assert line, f"the phone ended: {self.printed}"
                self.printed += line.decode()
        return found[1]

    async def finished(self) -> int:
        """Its exit code; the rest of what it printed is in `printed`."""
        async with asyncio.timeout(PATIENCE_S):
            self.printed += (await self.process.communicate())[0].decode()
        assert self.process.returncode is not None
        return self.process.returncode


@pytest.fixture
async def phones(film: Path, tmp_path: Path) -> AsyncIterator[Any]:
    started: list[OtherPhone] = []
    folders = (tmp_path / f"phone-{number}" for number in itertools.count(1))

    async def start(*arguments: str) -> OtherPhone:
        process = await asyncio.create_subprocess_exec(
            node(), PHONE, *arguments, "--media", film, "--segment-bytes", "20000",
            "--keep", next(folders),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )
        started.append(OtherPhone(process))
        return started[-1]

    yield start
    for phone in started:
        if phone.process.returncode is None:
            phone.process.kill()
            await phone.process.wait()


async def confirm(server: Server, sitting: str, phone: OtherPhone) -> None:
    """As the candidate does: the same six digits on both screens."""
    digits = (await phone.until(r"^digits: (\d{3} \d{3})$")).replace(" ", "")
    assert (await server.state(sitting))["claim"]["digits"] == digits
    await backend(server, f"/{sitting}/confirm", key=await phone.until(r"^key: (\S{43})$"))


async def backend(server: Server, path: str = "", **body: Any) -> dict[str, Any]:
    """What the exam system's backend asks of `/v1/sittings`."""
    headers = {"Authorization": f"Bearer {server.api_key}"}
    async with ClientSession(headers=headers, raise_for_status=True) as http, http.post(
        f"{server.url}/v1/sittings{path}", json=body
    ) as answer:
        said: dict[str, Any] = await answer.json()
        return said


async def test_it_is_complete_and_its_bundle_holds(server: Server, phones: Any, tmp_path: Path) -> None:
    made = await backend(server, policy=NO_SCAN)
    sitting = made["sitting_id"]
    phone = await phones("--link", made["link"])
    await confirm(server, sitting, phone)
    await phone.until("^(recorded)$")
    await backend(server, f"/{sitting}/end")
    assert await phone.finished() == 0, phone.printed
    assert "verdict: complete" in phone.printed

    verdict = (await server.state(sitting))["verdict"]
    assert (verdict["word"], verdict["reasons"]) == ("complete", [])
    assert [gap["cause"] for gap in verdict["gaps"]] in ([], ["stopped"]), "only after the film's end"
    assert of_recording(verdict["review"]) == set(), verdict["review"]
    bundle, keys = tmp_path / "it.bundle.zip", tmp_path / "keys.json"
    keys.write_text(json.dumps(await server.jwks()))
    await server.command("export", sitting, "--out", str(bundle))
    await command(_SILENT, "verify", str(bundle), "--jwks", str(keys))


async def test_by_typed_code_ended_early_and_with_lost_answers(server: Server, phones: Any) -> None:
    made = await backend(server, policy=NO_SCAN)
    sitting, typed = made["sitting_id"], made["code"].lower().replace("0", "o").replace("1", "l")
    async with Between(server.url, loses_first_answers=True) as between:
        phone = await phones("--code", typed, "--server", between.url)
        await confirm(server, sitting, phone)
        await phone.until("^(bound)$")
        await backend(server, f"/{sitting}/end")
        assert await phone.finished() == 0, phone.printed
    assert len(between.lost) == 4, "of a claim, of entries, of an upload and of the manifest"
    assert "verdict: complete" in phone.printed
    counts = (await server.state(sitting))["phone"]["segments"]
    assert counts["stored"] == 1, "it stopped at the first segment after the end"


def _digits(path: str, body: Body, headers: dict[str, str]) -> None:
    if "digits" in body:
        body["digits"] = f"{(int(body['digits']) + 1) % 1_000_000:06}"


def _binding(path: str, body: Body, headers: dict[str, str]) -> None:
    if body.get("binding"):
        body["binding"] = spoilt(body["binding"])


def _acknowledgement(path: str, body: Body, headers: dict[str, str]) -> None:
    if "acknowledgement" in body:
        body["acknowledgement"] = spoilt(body["acknowledgement"])


def _receipt(path: str, body: Body, headers: dict[str, str]) -> None:
    if "Evidence-Receipt" in headers:
        headers["Evidence-Receipt"] = spoilt(headers["Evidence-Receipt"])


def _verdict(path: str, body: Body, headers: dict[str, str]) -> None:
    if body.get("verdict_jws"):
        body["verdict_jws"] = spoilt(body["verdict_jws"])


async def test_it_believes_no_record_whose_signature_does_not_hold(server: Server, phones: Any) -> None:
    async def told_a_lie(alter: Alter) -> str:
        made = await backend(server, policy=NO_SCAN)
        async with Between(server.url, alter) as between:
            phone = await phones("--code", made["code"], "--server", between.url)
            if alter is not _digits:
                await confirm(server, made["sitting_id"], phone)
                await backend(server, f"/{made['sitting_id']}/end")
            assert await phone.finished() == 3, phone.printed
        said: str = phone.printed.splitlines()[-1]
        return said

    lies = (_digits, _binding, _acknowledgement, _receipt, _verdict)
    said = await asyncio.gather(*(told_a_lie(alter) for alter in lies))
    assert [line.startswith("Untrue: ") for line in said] == [True] * len(lies), said
    records = ("binding", "ack", "receipt", "verdict")
    expected = [f"Untrue: evidence-{record}+jws: the signature does not hold" for record in records]
    assert said[1:] == expected

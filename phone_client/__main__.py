"""The command line: `python -m phone_client run` and `preflight`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from joserfc.jwk import ECKey
from rich.console import Console

from pairing.errors import PairingError
from phone_client.bind import (
    Offer,
    claim_offer,
    load_or_make_key,
    offer_from_code,
    offer_from_link,
    offer_from_picture,
)
from phone_client.buffer import Buffer, BufferLimits, BufferLocked
from phone_client.camera import CameraError, CameraSettings, Capture, Picture
from phone_client.carry import write_carry_file
from phone_client.clock import Clock
from phone_client.commit import Signer
from phone_client.encode import EncoderSettings
from phone_client.journal import JournalError
from phone_client.ledger import Fact, LedgerError
from phone_client.pacing import Pacer, Pacing
from phone_client.phone import Outcome, Phone, PhoneOptions
from phone_client.preflight import (
    check_battery,
    check_camera_and_sound,
    check_clock_and_network,
    check_storage,
    show_checks,
    size,
)
from phone_client.progress import Lines, Screen, View
from phone_client.record import STALL_S, Recorder
from phone_client.server import Server, TryLater
from phone_client.wording import LANGUAGES, Wording

EXIT_FINE, EXIT_NOT_COMPLETE, EXIT_USAGE, EXIT_UNVERIFIED = 0, 1, 2, 3

_DEFAULT_BUFFER = Path("evidence-buffer")
_NOT_VERIFIED = frozenset({"signature_invalid", "claims_invalid", "key_mismatch"})

app = typer.Typer(
    help="The reference phone: records, buffers, commits and uploads evidence. "
    "佐证客户端：录制、保存、登记并上传佐证录像。",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
)

_Link = Annotated[str | None, typer.Option(help="The link behind the binding QR code. 二维码中的链接")]
_Picture = Annotated[Path | None, typer.Option("--qr", help="A picture of the QR code. 二维码图片")]
_Code = Annotated[str | None, typer.Option(help="The typed binding code. 绑定码")]
_Address = Annotated[str | None, typer.Option("--server", help="Where to type it. 绑定码旁的地址")]
_Camera = Annotated[str | None, typer.Option(help="V4L2 device, or a file. 摄像头设备或文件")]
_Sound = Annotated[str | None, typer.Option(help="ALSA device; a file has its own. 麦克风设备")]
_Folder = Annotated[Path, typer.Option("--buffer", help="Where evidence is kept. 录像保存目录")]
_Most = Annotated[int | None, typer.Option("--buffer-mb", min=1, help="Most media kept, MB. 上限")]
_Rate = Annotated[int, typer.Option(min=1, max=60, help="Pictures a second wished. 帧率")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout at the end.")]
_Language = Annotated[str | None, typer.Option("--lang", help="zh-CN or en. 语言")]
_Ca = Annotated[Path | None, typer.Option(help="Certificates to trust (PEM). 信任的证书")]
_NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait for the verdict. 不等待结论")]
_Keep = Annotated[bool, typer.Option(help="Record on after the exam's end. 考试结束后继续录制")]
_Again = Annotated[bool, typer.Option(help="Record again after a stop by hand. 手动停止后再次录制")]
_Everything = Annotated[bool, typer.Option("--all", help="What has arrived, too. 包括已送达的录像")]
_Scan = Annotated[int, typer.Option(min=0, help="The first seconds are the room scan. 开头环拍的秒数")]


@dataclass(frozen=True)
class _Setup:
    """What `run` was asked for, checked."""

    offer: Offer | None
    camera: CameraSettings | None
    folder: Path
    limits: BufferLimits
    ca: str | None
    options: PhoneOptions
    record_again: bool


class _Usage(Exception):  # noqa: N818  a sentence for the user
    """The command can't be carried out as given; the message is a sentence for the user."""


def _default_language() -> str:
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh-CN" if spoken.startswith("zh") else "en"


def _wording(asked: str | None) -> Wording:
    language = asked if asked is not None else _default_language()
    if language not in LANGUAGES:
        raise typer.BadParameter(f"--lang: {' / '.join(LANGUAGES)}")
    return Wording(language)


def _camera(camera: str | None, sound: str | None, wish: str, rate: int) -> CameraSettings | None:
    if camera is None:
        return None
    width, _, height = wish.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise typer.BadParameter("--size WIDTHxHEIGHT")
    return CameraSettings(camera, sound, int(width), int(height), rate)


def _offer(
    wording: Wording, link: str | None, qr: Path | None, code: str | None, server: str | None
) -> Offer | None:
    """The one offer that was given.  Raises _Usage, PairingError."""
    if sum(given is not None for given in (link, qr, code)) > 1:
        raise _Usage(wording("usage-one-offer"))
    if link is not None:
        return offer_from_link(link)
    if qr is not None:
        return offer_from_picture(qr)
    if code is None:
        return None
    if server is None:
        raise _Usage(wording("usage-code-server"))
    return offer_from_code(code, server)


@app.command()
def run(
    link: _Link = None, qr: _Picture = None, code: _Code = None, server: _Address = None,
    camera: _Camera = None, sound: _Sound = None, buffer: _Folder = _DEFAULT_BUFFER, buffer_mb: _Most = None,
    wish: Annotated[str, typer.Option("--size", help="WIDTHxHEIGHT of a device. 画面尺寸")] = "640x480",
    rate: _Rate = 15, scan_s: _Scan = 0, as_json: _Json = False, lang: _Language = None,
    ca: _Ca = None, no_wait: _NoWait = False, keep_recording: _Keep = False, record_again: _Again = False,
) -> None:
    """Bind, record and upload until the verdict. Run it again to go on, deliver the rest or release.

    Exit codes: 0 complete, 1 incomplete or late, 2 usage, 3 can't be verified.
    绑定、录制并上传，直到得出结论；再次运行则继续、补传或解除保留。
    """
    wording = _wording(lang)
    console = Console(stderr=as_json)
    try:
        setup = _Setup(
            _offer(wording, link, qr, code, server), _camera(camera, sound, wish, rate), buffer,
            BufferLimits(most=buffer_mb * 1_000_000 if buffer_mb else None), str(ca) if ca else None,
            PhoneOptions(not no_wait, keep_recording, scan_s), record_again,
        )
        told, code_out = asyncio.run(_run(setup, wording, console))
    except _Usage as error:
        told, code_out = _failed(str(error), console), EXIT_USAGE
    except PairingError as error:
        told = _failed(f"{wording.refusal(error)} [{error.code}] {error.detail}", console)
        told["error"] = error.code
        code_out = EXIT_UNVERIFIED if error.code in _NOT_VERIFIED else EXIT_USAGE
    if as_json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    raise typer.Exit(code_out)


def _failed(sentence: str, console: Console) -> dict[str, Any]:
    console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    return {"says": sentence}


async def _run(setup: _Setup, wording: Wording, console: Console) -> tuple[dict[str, Any], int]:
    clock = Clock()
    async with AsyncExitStack() as stack:
        buffer, key = _open(setup.folder, setup.limits, wording)
        stack.enter_context(buffer)
        screen = Screen(console, wording) if console.is_terminal else None
        stack.enter_context(screen or nullcontext())
        view: View = screen or Lines(console, wording)
        claim = buffer.ledger.claim
        if claim is None and setup.offer is None:
            raise _Usage(wording("usage-no-binding"))
        recorder = _recorder(setup, buffer, clock, wording)
        if recorder is not None:
            stack.callback(_leave, recorder)
        if claim is not None and recorder is not None:
            recorder.start()  # nothing that follows may hold up a recording that was interrupted
        if setup.offer is not None and (claim is None or await _has_lapsed(claim, buffer, setup)):
            if claim is None and setup.camera is not None:
                await asyncio.to_thread(_check_fit, setup.camera, clock, wording)
            claim = await _claim(setup.offer, setup.ca, buffer, key, clock, view)
        if claim is None:
            raise _Usage(wording("usage-no-binding"))
        server = await stack.enter_async_context(Server(claim["server"], setup.ca))
        server.authorise(claim["bearer"])
        if buffer.ledger.binding is None:
            view.say("digits", digits=f"{claim['digits'][:3]} {claim['digits'][3:]}")
            view.say("key", key=claim["key"])
        else:
            view.say("buffer-continues", folder=str(setup.folder))
        phone = Phone(buffer, server, key, claim, clock, recorder, view, setup.options)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, phone.interrupt)
        loop.add_signal_handler(signal.SIGTERM, phone.leave)
        if recorder is not None:
            recorder.start()
        outcome = await phone.run()
        return _conclude(outcome, buffer, claim, wording, view, console)


def _open(folder: Path, limits: BufferLimits, wording: Wording) -> tuple[Buffer, ECKey]:
    """The buffer and this phone's key.  Raises _Usage."""
    try:
        with ExitStack() as undo:
            buffer = undo.enter_context(Buffer(folder, limits))
            key = load_or_make_key(folder)
            undo.pop_all()
            return buffer, key
    except BufferLocked as error:
        raise _Usage(wording("usage-locked", folder=str(folder))) from error
    except (JournalError, LedgerError, OSError, ValueError) as error:
        raise _Usage(wording("usage-buffer", folder=str(folder), detail=str(error))) from error


def _recorder(setup: _Setup, buffer: Buffer, clock: Clock, wording: Wording) -> Recorder | None:
    """A recorder, unless the exam is over or the candidate has stopped the recording."""
    ledger = buffer.ledger
    if ledger.verdicts or (ledger.end_ms is not None and not setup.options.keep_recording):
        return None
    if ledger.stopped and not setup.record_again:
        return None
    if setup.camera is None:
        raise _Usage(wording("usage-no-camera"))
    settings = setup.camera
    return Recorder(buffer, lambda: Capture(settings, clock), clock)


def _leave(recorder: Recorder) -> None:
    recorder.stop(for_good=False)
    recorder.join()


def _check_fit(camera: CameraSettings, clock: Clock, wording: Wording) -> None:
    """A phone whose camera gives nothing claims nothing.  Raises _Usage."""
    try:
        with Capture(camera, clock) as capture:
            while not isinstance(frame := capture.take(STALL_S), Picture):
                if frame is None:
                    raise CameraError("frozen", camera.camera)
    except CameraError as error:
        advice = wording("camera-closed-do")
        raise _Usage(f"{wording('camera-closed', detail=error.detail)} {advice}") from error


async def _has_lapsed(claim: Fact, buffer: Buffer, setup: _Setup) -> bool:
    """Whether a claim that was never confirmed has to give way to the offer that was given now."""
    offer = setup.offer
    if buffer.ledger.binding is not None or offer is None or offer.secret == claim["secret"]:
        return False
    async with Server(claim["server"], setup.ca) as server:
        server.authorise(claim["bearer"])
        try:
            stage = str((await server.binding()).get("stage"))
        except TryLater:
            return False
        except PairingError:
            stage = "lapsed"
    return stage in {"lapsed", "refused"}


async def _claim(
    offer: Offer, ca: str | None, buffer: Buffer, key: ECKey, clock: Clock, view: View
) -> Fact:
    """Claim, however often the network needs it: the same offer and key get the same answer."""
    pacer = Pacer(Pacing())
    async with Server(offer.server, ca) as server:
        while True:
            try:
                return await claim_offer(offer, server, buffer, key, clock)
            except TryLater as error:
                view.say("server-away", detail=str(error))
                pacer.failed(error.after_s, error.reached)
                await pacer.ready()


def _conclude(
    outcome: Outcome, buffer: Buffer, claim: Fact, wording: Wording, view: View, console: Console
) -> tuple[dict[str, Any], int]:
    """Tell how it went; gives the JSON object and the exit code."""
    verdict, totals = outcome.verdict, buffer.ledger.totals()
    if outcome.freed:
        view.say("freed", size=size(outcome.freed))
    if outcome.owed:
        view.say("owed", count=outcome.owed)
    elif totals.recorded:
        view.say("delivered")
    if verdict is not None:
        for reason in verdict.reasons:
            view.say("reason", reason=wording.reason(reason))
        console.print(f"verdict: {verdict.word}", highlight=False)
    told: dict[str, Any] = {
        "sitting_id": claim["sitting"], "key": claim["key"], "stage": outcome.stage,
        "verdict": verdict.word if verdict else None, "version": verdict.version if verdict else 0,
        "reasons": list(verdict.reasons) if verdict else [],
        "segments": {
            "recorded": totals.recorded, "committed": totals.committed, "stored": totals.stored,
            "owed": outcome.owed,
        },
        "recorded_ms": totals.recorded_us // 1_000, "bytes_held": totals.bytes_held,
        "bytes_freed": outcome.freed,
    }
    if outcome.failure is not None:
        told["error"] = outcome.failure.code
        return told, EXIT_UNVERIFIED if outcome.failure.code in _NOT_VERIFIED else EXIT_NOT_COMPLETE
    if verdict is None:
        return told, EXIT_NOT_COMPLETE if outcome.owed or outcome.left else EXIT_FINE
    return told, EXIT_FINE if verdict.word == "complete" else EXIT_NOT_COMPLETE


@app.command()
def preflight(
    camera: Annotated[str, typer.Option(help="V4L2 device, or a file. 摄像头设备或文件")],
    server: _Address = None, sound: _Sound = None, buffer: _Folder = _DEFAULT_BUFFER,
    minutes: Annotated[int, typer.Option(min=1, help="Length of the exam. 考试时长（分钟）")] = 120,
    wish: Annotated[str, typer.Option("--size", help="WIDTHxHEIGHT of a device. 画面尺寸")] = "640x480",
    rate: _Rate = 15, as_json: _Json = False, lang: _Language = None, ca: _Ca = None,
) -> None:
    """Check camera, sound, storage, clock, battery and network. Exit code 1 if something is not fine.

    考前检查：摄像头、麦克风、存储空间、时钟、电池、网络。
    """
    wording = _wording(lang)
    settings = _camera(camera, sound, wish, rate)
    if settings is None:
        raise typer.BadParameter("--camera")
    clock = Clock()
    checks = check_camera_and_sound(settings, clock)
    checks += [check_storage(buffer, minutes, EncoderSettings()), check_battery()]

    async def ask() -> None:
        if server is None:
            checks.extend(await check_clock_and_network(None, clock))
            return
        async with Server(server, str(ca) if ca else None) as reached:
            checks.extend(await check_clock_and_network(reached, clock))

    asyncio.run(ask())
    if as_json:
        told = [check.told(wording) for check in checks]
        sys.stdout.write(json.dumps({"checks": told}, ensure_ascii=False) + "\n")
    else:
        show_checks(checks, wording, Console())
    raise typer.Exit(EXIT_NOT_COMPLETE if any(check.passed is False for check in checks) else EXIT_FINE)


@app.command()
def carry(
    to: Annotated[Path, typer.Argument(help="The file to write. 输出文件")],
    buffer: _Folder = _DEFAULT_BUFFER, everything: _Everything = False, lang: _Language = None,
) -> None:
    """Write what has not arrived into a file to be brought by hand. Exit code 2 if that can't be done.

    把尚未送达的录像导出为文件，交由技术支持处理。
    """
    wording, console, clock = _wording(lang), Console(), Clock()
    try:
        opened, key = _open(buffer, BufferLimits(), wording)
        with opened:
            signer = Signer(opened, key, clock.boot, lambda: None)
            count = write_carry_file(opened, signer, to, clock.wall_ms(), everything=everything)
    except (_Usage, OSError) as error:
        _failed(str(error), console)
        raise typer.Exit(EXIT_USAGE) from error
    except PairingError as error:
        _failed(wording.refusal(error), console)
        raise typer.Exit(EXIT_USAGE) from error
    told = wording("carried", count=count, file=str(to))
    console.print(told, highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    app()

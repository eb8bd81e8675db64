"""`serve --lan`: the evidence camera on one's own phone, in two minutes."""

from __future__ import annotations

import asyncio
import io

import qrcode

from evidence_server.app import TryOut
from evidence_server.app import serve as run_server
from evidence_server.commands.terminal import USAGE, call, console, fail, remote_of
from evidence_server.data_folder import DataFolder
from evidence_server.lan import LocalAuthority, own_addresses
from evidence_server.settings import Settings

_EXAM = "试用 · Try-out"


def serve_lan(settings: Settings, addresses: tuple[str, ...]) -> None:
    """Serve this computer on the plain port and phones beside it with a certificate of our own, and guide
    its owner through both.  Raises OSError, PairingError."""
    if settings.host != "127.0.0.1":
        fail("--lan 会自己选择地址，不能与 --host 同用。--lan chooses them: leave --host out.", USAGE)
    addresses = addresses or own_addresses()
    if not addresses:
        fail("没有找到本机的局域网地址，请用 --address 指定。No address found: name it by --address.", USAGE)
    authority = LocalAuthority.open(DataFolder(settings.data).keys)
    if not settings.public_url:
        settings = settings.model_copy(
            update={"public_url": f"https://{addresses[0]}:{settings.lan_port}"}
        )
    # The guide asks the running server for a sitting, which blocks: not in the loop that has to answer.
    guides: list[asyncio.Future[None]] = []

    def announce(url: str) -> None:
        console.print(f"serving at {url}")
        loop = asyncio.get_running_loop()
        guides.append(loop.run_in_executor(None, _guide, settings, addresses[0], authority.fingerprint))

    asyncio.run(run_server(settings, announce, TryOut(authority, addresses, settings.lan_port)))


def _guide(settings: Settings, address: str, fingerprint: str) -> None:
    here = f"http://127.0.0.1:{settings.port}"
    remote = remote_of(settings.data, "127.0.0.1", settings.port)
    page_url = call(remote, "POST", "/v1/sittings", {"exam": _EXAM})["page_url"]
    trust_url = f"http://{address}:{settings.port}/"
    console.print(
        f"""
1. 手机与这台电脑连同一个 Wi-Fi，用手机相机扫描下面的二维码，按页面说明信任这台电脑（只需一次）。
   With the phone in this computer's Wi-Fi, scan this code with the phone's camera and let it trust this
   computer as the page says (once):  {trust_url}
{_drawn(trust_url)}
2. 在这台电脑上打开下面的网页，再用手机扫描网页上的二维码。
   On this computer open this page, and scan the code on it with the phone:
   {page_url.replace(settings.base_url, here)}

   安卓手机也可用 USB 线代替第 1 步 / An Android phone on a USB cable needs no step 1:
   adb reverse tcp:{settings.port} tcp:{settings.port}   (serve --public-url {here})

   证书指纹 / the certificate's SHA-256 fingerprint: {fingerprint}
   Ctrl+C 停止 / stops.""",
        markup=False,
    )


def _drawn(text: str) -> str:
    """A QR code in the terminal's characters."""
    code = qrcode.QRCode(border=2)
    code.add_data(text)
    drawing = io.StringIO()
    code.print_ascii(drawing, invert=True)
    return drawing.getvalue()

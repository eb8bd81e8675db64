"""The command line's HTTP client of a running server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import requests

TIMEOUT_S = 30
UPLOAD_S = 3_600
"""How long the server may take over a file that it was sent: it stores all of it before it answers."""
TRIES = 3
"""How often a command is sent that may be sent again."""


class RemoteError(Exception):
    """The server refused, or could not be reached: the text is for the person at the terminal."""


class UnreachableError(RemoteError):
    """No answer came: the server may have done what it was asked, or not."""


class Remote:
    """Calls the API with the backend's key."""

    def __init__(self, url: str, api_key: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {api_key}"}

    @classmethod
    def of_folder(cls, data: Path, url: str) -> Remote:
        """With the key that the server keeps in its data folder.  Raises OSError if there is none."""
        return cls(url, (data / "keys" / "api.key").read_text().strip())

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer's JSON object.  Raises RemoteError."""
        return _object(self._send(method, path, json=body))

    def insist(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The same for what is done once however often it is sent: a lost answer is asked for again."""
        for _ in range(TRIES - 1):
            try:
                return self.call(method, path, body)
            except UnreachableError:
                continue
        return self.call(method, path, body)

    def read(self, path: str) -> bytes:
        """The answer's bytes.  Raises RemoteError."""
        return self._send("GET", path).content

    def upload(self, path: str, file: Path, headers: Mapping[str, str]) -> dict[str, Any]:
        """Sends a file as it is; gives the answer's JSON object.  Raises RemoteError, OSError."""
        with file.open("rb") as content:
            return _object(self._send("POST", path, UPLOAD_S, headers, data=content))

    def download(self, path: str, to: Path) -> int:
        """Writes the answer to a file, whole or not at all; gives its size.  Raises RemoteError, OSError."""
        part = to.with_name(to.name + ".part")
        with self._send("GET", path, stream=True) as answer, part.open("wb") as file:
            try:
                size = sum(file.write(piece) for piece in answer.iter_content(1 << 20))
                file.flush()
                part.replace(to)
            except requests.RequestException as error:
                raise RemoteError(
                    f"传输中断，没有保留任何内容。The connection broke off, and nothing was kept: {error}"
                ) from error
            finally:
                part.unlink(missing_ok=True)  # there no more if it was whole
        return size

    def _send(
        self, method: str, path: str, read_s: float = TIMEOUT_S,
        headers: Mapping[str, str] = MappingProxyType({}), **more: Any,
    ) -> requests.Response:
        try:
            answer = requests.request(
                method, self._url + path, headers={**self._headers, **headers},
                timeout=(TIMEOUT_S, read_s), **more,
            )
        except requests.RequestException as error:
            raise UnreachableError(
                f"无法连接服务器 {self._url}。The server cannot be reached at {self._url}: {error}"
            ) from error
        if answer.ok:
            return answer
        try:
            told = answer.json()
            says, do = told["says"], told["do"]
        except (ValueError, KeyError) as error:
            raise _not_ours(answer) from error
        raise RemoteError(
            f"{says['zh-CN']}{do['zh-CN']}\n{says['en']} {do['en']} ({told['error']}: {told['detail']})"
        )


def _object(answer: requests.Response) -> dict[str, Any]:
    try:
        told: dict[str, Any] = answer.json()
    except ValueError as error:
        raise _not_ours(answer) from error
    return told


def _not_ours(answer: requests.Response) -> RemoteError:
    return RemoteError(
        f"{answer.url} 的回答（{answer.status_code}）不是佐证服务器给出的。"
        f"What answered {answer.status_code} at {answer.url} is no evidence server."
    )

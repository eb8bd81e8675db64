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


class RemoteError(Exception):
    """The server refused, or could not be reached: the text is for the person at the terminal."""


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
        answer: dict[str, Any] = self._send(method, path, json=body).json()
        return answer

    def read(self, path: str) -> bytes:
        """The answer's bytes.  Raises RemoteError."""
        return self._send("GET", path).content

    def upload(self, path: str, file: Path, headers: Mapping[str, str]) -> dict[str, Any]:
        """Sends a file as it is; gives the answer's JSON object.  Raises RemoteError."""
        with file.open("rb") as content:
            answer: dict[str, Any] = self._send("POST", path, UPLOAD_S, headers, data=content).json()
        return answer

    def download(self, path: str, to: Path) -> int:
        """Writes the answer to a file, whole or not at all; gives its size.  Raises RemoteError."""
        part = to.with_name(to.name + ".part")
        size = 0
        with self._send("GET", path, stream=True) as answer, part.open("wb") as file:
            for piece in answer.iter_content(1 << 20):
                size += file.write(piece)
        part.rename(to)
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
            raise RemoteError(
                f"无法连接服务器 {self._url}。The server cannot be reached at {self._url}: {error}"
            ) from error
        if answer.ok:
            return answer
        try:
            told = answer.json()
            says, do = told["says"], told["do"]
        except (ValueError, KeyError) as error:
            raise RemoteError(f"The server answered {answer.status_code}.") from error
        raise RemoteError(
            f"{says['zh-CN']}{do['zh-CN']}\n{says['en']} {do['en']} ({told['error']}: {told['detail']})"
        )

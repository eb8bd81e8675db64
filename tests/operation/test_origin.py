"""Which address a request is taken to come from."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from evidence_server.routes.origin import Origin

NEAREST = "10.0.0.1"


@pytest.mark.parametrize(
    ("proxies", "header", "address"),
    [
        (0, [], NEAREST),
        (0, ["192.0.2.1"], NEAREST),
        (1, [], NEAREST),
        (1, ["192.0.2.1"], "192.0.2.1"),
        (1, ["made up, 192.0.2.1"], "192.0.2.1"),
        (1, ["made up", "192.0.2.1"], "192.0.2.1"),
        (2, ["192.0.2.1"], NEAREST),
        (2, ["made up, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        (1, ["x" * 1000], "x" * 64),
    ],
)
def test_only_what_our_proxies_add_is_believed(proxies: int, header: list[str], address: str) -> None:
    headers = CIMultiDict(("X-Forwarded-For", line) for line in header)
    transport = Mock()
    transport.get_extra_info.side_effect = lambda name, default=None: (NEAREST, 40_000)
    request = make_mocked_request("POST", "/v1/claims", headers=headers, transport=transport)
    assert Origin(proxies).address(request) == address

"""What the pages of one sitting may hold open at once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import aiohttp

from evidence_server.routes.backend import MAX_STREAMS, STREAM_SILENCE_S
from tests.bad_input.hosted import Hosted, as_refusal


async def follow(server: Hosted, page: dict[str, str]) -> aiohttp.ClientResponse:
    """One more stream of a page's, if it is let in."""
    answer = await server.http.get(
        f"{server.address.url}/v1/sittings/{page['sitting_id']}/events",
        headers={"Authorization": f"Bearer {page['page_token']}"},
    )
    if answer.status == 200:
        assert (await answer.content.readline()).startswith(b"event: state")
    else:
        refused = as_refusal(answer.status, await answer.json())
        assert (refused.status, refused.code) == (429, "throttled")
        assert int(answer.headers["Retry-After"]) == refused.told["retry_after_s"] > 0
    return answer


async def test_a_sitting_is_followed_by_so_many_and_others_go_on(fresh_server: Hosted) -> None:
    """The next one waits until a page is closed, which the server need not have noticed by itself."""
    server = fresh_server
    one, other = await server.create(), await server.create()
    async with AsyncExitStack() as ending:
        opened = [await follow(server, one) for _ in range(MAX_STREAMS)]
        opened.append(await follow(server, other))
        for answer in opened:
            ending.callback(answer.close)
        assert [answer.status for answer in opened] == [200] * len(opened)
        assert (await follow(server, one)).status == 429
        opened[0].close()
        async with asyncio.timeout(STREAM_SILENCE_S / 2):
            while (answer := await follow(server, one)).status != 200:
                continue
        ending.callback(answer.close)

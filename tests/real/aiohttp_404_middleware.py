"""Ask a server with a middleware for pages that are not there.

aiohttp 3.10.6 to 3.10.10 cache the chain of middlewares for every match info; each 404 has a new one.
Report: https://github.com/advisories/GHSA-27mf-ghqm-j3j8
The server runs in tasks of its own, so no line of the job is on the stack that allocates.

needs: aiohttp
Measured: 149 716 B a run alone, 147 238 in company.
"""

import itertools

from aiohttp import ClientSession, web

VERDICT = "leaking"
BYTES_PER_RUN = 150_000
RETAINED_BY = "aiohttp"

numbers = itertools.count()
site: dict[str, object] = {}


@web.middleware
async def pass_on(request, handler):
    return await handler(request)


async def start():
    runner = web.AppRunner(web.Application(middlewares=[pass_on]), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.update(runner=runner, client=ClientSession(), url=f"http://127.0.0.1:{runner.addresses[0][1]}")


async def job():
    if not site:
        await start()
    for number in itertools.islice(numbers, 20):
        async with site["client"].get(f"{site['url']}/missing/{number}") as response:
            await response.read()

"""A worker on asyncio, with no web server but the profiler's own."""

import asyncio
import os

from profiling import Profiler

profiler = Profiler()
seen = []


async def handle(message: str) -> None:
    """Handle one message, and keep it."""
    with profiler.scope("handle"):
        seen.append(message * 10_000)  # and never let go of it


async def main() -> None:
    """Take messages from a queue that never ends."""
    with profiler.serve(os.environ.get("DEBUG_ADDRESS", "127.0.0.1:6061")) as server:
        print(f"curl http://{server.address}/debug/jobs/handle/verdict", flush=True)  # noqa: T201
        while True:
            await handle("message")
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main())

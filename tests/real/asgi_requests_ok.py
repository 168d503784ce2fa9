"""Call an ASGI application with a middleware, through httpx.

needs: httpx, starlette
Measured: 7 265, 7 268, 7 269, 7 269, 7 269 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import httpx
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

VERDICT = "stable"
FILLS_BY_RUN = 0


async def pass_on(request, call_next):
    request.state.rows = [f"row {number}" for number in range(100)]
    return await call_next(request)


async def orders(request):
    return JSONResponse(request.state.rows)


app = Starlette(routes=[Route("/orders", orders)])
app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
transport = httpx.ASGITransport(app)


async def job():
    async with httpx.AsyncClient(transport=transport, base_url="http://orders", verify=False) as client:
        for _ in range(3):
            (await client.get("/orders")).json()

"""The handlers that answer in the formats of other tools. Imported when somebody asks for one for the first time."""

from __future__ import annotations

import asyncio
import gc
import sys

from profiling.process.build_id import build_id
from profiling.profiler import Profiler
from profiling.records.stack_profile import StackProfile
from profiling.report.folded import stacks_to_text
from profiling.report.pprof import to_pprof
from profiling.web.messages import Response, text_response
from profiling.web.query import Given

OCTETS = "application/octet-stream"


async def pprof(profiler: Profiler, given: Given, *, name: str, default: str) -> Response:
    """Answer with a profile for pprof: of what is alive, or of what changes in so many seconds."""
    profile = await _profile(profiler, given)
    if given["debug"] == "1":
        return text_response(await asyncio.to_thread(stacks_to_text, profile, default))
    body = await asyncio.to_thread(_encoded, profile, default)
    headers = {"Content-Disposition": f'attachment; filename="{name}.pb.gz"', "X-Content-Type-Options": "nosniff"}
    return Response(body=body, content_type=OCTETS, headers=headers)


async def _profile(profiler: Profiler, given: Given) -> StackProfile:
    collect, all_frames = given["gc"] == "1", given["frames"] == "all"
    if given["seconds"] is not None:
        return await profiler.stack_profile_over(given["seconds"], collect=collect, all_frames=all_frames)
    if collect:
        await asyncio.to_thread(gc.collect)
    return await asyncio.to_thread(profiler.stack_profile, all_frames=all_frames)


def _encoded(profile: StackProfile, default: str) -> bytes:
    return to_pprof(profile, executable=sys.executable, build_id=build_id(sys.executable), default=default)

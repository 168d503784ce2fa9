"""What thousands of commands leave in the memory of the service."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.acceptance.discord.load import cold_iv_s, give, loaded

COLD = 500  # symbols of which nothing is stored
SETTLED = 2_500  # commands until what is bounded is full: signatures, and prepared statements of each connection
COMMANDS = 5_000
MAX_GROWTH_MB = 3.0
STEP = 500
MOST = 60_000  # commands until each scope has a verdict; some 15 000 on a machine with nothing else to do

SCOPES = ["discord /chain", "discord /iv", "discord /price", "discord /screener", "discord /status"]


@pytest.mark.slow
@pytest.mark.timeout(1_800)
async def test_commands_leave_nothing_and_all_scopes_are_stable(tmp_path: Path, database_url: str) -> None:
    """And how long `/iv` of a cold symbol takes, which is asserted in benchmarks/bench_discord.py."""
    async with loaded(tmp_path, database_url, PROFILING="adaptive") as service:
        symbols = await service.symbols()
        seconds = sorted(await cold_iv_s(service, symbols[:COLD]))
        sys.stdout.write(
            f"cold /iv: median {seconds[COLD // 2]:.3f} s, 99th percentile {seconds[-COLD // 100]:.3f} s\n"
        )
        await give(service, SETTLED, symbols)
        before_mb = await service.rss_mb()
        await give(service, COMMANDS, symbols)
        after_mb = await service.rss_mb()
        sys.stdout.write(f"RSS before {COMMANDS} commands {before_mb:.1f} MB, after them {after_mb:.1f} MB\n")
        assert after_mb - before_mb <= MAX_GROWTH_MB

        states: dict[str, str] = {}
        for given in range(0, MOST, STEP):
            scopes = await service.scopes()
            verdicts = {name: scope["verdict"] for name, scope in scopes.items() if scope["verdict"]}
            states = {name: verdict["state"] for name, verdict in verdicts.items()}
            sys.stdout.write(f"after {given} more: {states}\n")
            # What fills up is `growing` for a while: the first commands fill what the later ones find full.
            growing = [verdict for verdict in verdicts.values() if verdict["state"] == "growing"]
            sys.stdout.writelines(f"  {verdict['reason']} {verdict['suspects'][:3]}\n" for verdict in growing)
            assert not {"leaking", "native_growth"} & set(states.values())
            if all(states.get(name) == "stable" for name in SCOPES):
                break
            await give(service, STEP, symbols)
        assert {states[name] for name in SCOPES} == {"stable"}
        assert set(states.values()) <= {"insufficient_runs", "stable"}

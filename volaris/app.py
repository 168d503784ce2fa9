"""The aiohttp application: the routes, with the parts of the service behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from profiling.web import mount
from volaris.instrumentation.job_control import SchedulerControl
from volaris.market import Source
from volaris.service import Service
from volaris.settings import Settings
from volaris.web import MIDDLEWARES, Overview, Readers, access_of, add_routes

SERVICE: web.AppKey[Service] = web.AppKey("service")
COMING_UP: web.AppKey[asyncio.Task[None]] = web.AppKey("coming_up")  # ends when the database is ready


def create_app(settings: Settings, source: Source | None = None) -> web.Application:
    """Return the whole service as an aiohttp application; the service starts and stops with the application.

    `source` is used in place of the market source that the settings name.

    This reads package files, so call it before the loop runs, or in a thread.
    """
    service = Service(settings, source)
    app = web.Application(middlewares=MIDDLEWARES)
    app[SERVICE] = service
    store = service.store
    readers = Readers(prices=store.prices, chains=store.options, metrics=store.metrics, members=store.constituents)
    access = access_of(settings.environment, settings.debug_token, settings.metrics_token)
    jobs = SchedulerControl(service.scheduler, enabled=settings.scheduler_enabled)
    add_routes(
        app,
        readers=readers,
        demand=service.demand,
        symbol_directory=service.source,
        ready=store.ready,
        overview_of=Overview(memory=service.profiler.usage, jobs=jobs, access=access, environment=settings.environment),
    )
    mount(app, service.profiler, access=access, environment=settings.environment, jobs=jobs, metrics=True)
    app.cleanup_ctx.append(_run_service)
    if settings.discord_public_key:
        _add_discord(app, settings, service, jobs)
    return app


def _add_discord(app: web.Application, settings: Settings, service: Service, jobs: SchedulerControl) -> None:
    # Imported here, because it needs PyNaCl, which most deployments do not have.
    from volaris.discord.catalogue import Sources
    from volaris.discord.route import add_interactions
    from volaris.discord.status import StatusReaders

    status = StatusReaders(
        memory=service.profiler.usage,
        jobs=jobs.jobs,
        verdicts=service.profiler.verdicts,
        scheduler_enabled=settings.scheduler_enabled,
    )
    store = service.store
    add_interactions(
        app,
        public_key=settings.discord_public_key or "",
        api_url=settings.discord_api_url,
        admins=settings.discord_admins,
        sources=Sources(
            directory=service.source, demand=service.demand, chains=store.options, metrics=store.metrics, status=status
        ),
        scope=service.profiler.scope,
    )


async def _run_service(app: web.Application) -> AsyncIterator[None]:
    app[COMING_UP] = app[SERVICE].start()
    yield
    await app[SERVICE].stop()

"""Inject trace headers into outgoing messages through Sentry's propagator.

sentry-sdk 2.42.1 registers one more global event processor at every inject().
Report: https://github.com/getsentry/sentry-python/issues/6267

needs: sentry-sdk, opentelemetry-sdk
Measured: 37 331 B a run alone, 36 990 in company.
"""

import sentry_sdk
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation import set_span_in_context
from sentry_sdk.integrations.opentelemetry import SentryPropagator

VERDICT = "leaking"
BYTES_PER_RUN = 37_300

sentry_sdk.init(dsn=None, default_integrations=False)
tracer = TracerProvider().get_tracer("messages")
propagator = SentryPropagator()


def job():
    with tracer.start_as_current_span("publish") as span:
        for _ in range(150):
            propagator.inject({}, set_span_in_context(span))  # <- retained here

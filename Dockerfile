# Two stages: what builds stays behind, what runs is slim and has no root.
FROM python:3.13-slim AS build
# For the sampler, profiling/samples/_sampler.c: without a compiler the build fails.
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
RUN python -m venv /opt/volaris
COPY constraints.txt pyproject.toml setup.py README.md LICENSE ./
COPY profiling profiling
COPY volaris volaris
RUN /opt/volaris/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt '.[discord,service]'

FROM python:3.13-slim
# One arena for malloc and one more: each further one keeps freed memory of its own, out of 512 MB.
ENV MALLOC_ARENA_MAX=2 \
    PYTHONUNBUFFERED=1 \
    PATH=/opt/volaris/bin:$PATH \
    ENVIRONMENT=production \
    LOG_FORMAT=json \
    HOST=0.0.0.0 \
    PORT=8080
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/volaris volaris
COPY --from=build /opt/volaris /opt/volaris
USER volaris
WORKDIR /var/lib/volaris
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/livez', timeout=2)"]
# The image has no embedded server: set DATABASE_URL.
CMD ["volaris", "serve"]

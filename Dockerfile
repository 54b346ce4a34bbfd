# syntax=docker/dockerfile:1
# The app's image: the pages are built in the first stage, the second holds Python and the product only.
FROM node:24-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Chinese glyphs for the PDF notices
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends fonts-noto-cjk && rm -rf /var/lib/apt/lists/*
RUN useradd --system --create-home --uid 10001 yiwangtu
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY geo/ geo/
COPY layers/ layers/
COPY data/ data/
COPY api/ api/
RUN pip install --constraint constraints.txt .
COPY --from=web /src/web/dist /app/web/dist
ENV YIWANGTU_WEB_DIR=/app/web/dist YIWANGTU_DATA_DIR=/var/lib/yiwangtu YIWANGTU_HOST=0.0.0.0
RUN install -d -o yiwangtu -g yiwangtu /var/lib/yiwangtu /var/cache/yiwangtu
USER 10001
# the search kernels, compiled once
ENV NUMBA_CACHE_DIR=/var/cache/yiwangtu
RUN python -m geo.rebalance.warm && python -m geo.walking.warm && python -m geo.siting.warm
VOLUME /var/lib/yiwangtu
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=6 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["yiwangtu", "up"]

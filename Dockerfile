# From one build: `app` (web, the workers, beat, setup), `backup` (the same with PostgreSQL's own programs), `database`
# (PostgreSQL with a folder for its finished log) and `proxy` (nginx with the same version's static files).
# Why this base: docs/adr/0009-container-base-image.md. Nothing here is a secret, and no layer ever holds one.
ARG PYTHON_IMAGE=python:3.12-slim-trixie
ARG NGINX_IMAGE=nginx:1.30-trixie
ARG POSTGRES_IMAGE=postgres:18-trixie

# ---- packages: exactly what requirements/base.txt names, each checked against its hash
FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /srv/office
RUN python -m venv /opt/venv
COPY requirements/base.txt /tmp/requirements.txt
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: --requirement /tmp/requirements.txt

# ---- static files: named by their content, compressed, with the manifest the templates look names up in
FROM packages AS static
COPY . .
# collectstatic loads the settings, which refuse to start without secrets: random ones, for this one command
RUN random() { /opt/venv/bin/python -c 'import secrets; print(secrets.token_hex(32))'; }; \
    SECRET_KEY="$(random)" ALLOWED_HOSTS=build.invalid \
    DATABASE_URL="postgresql://dispatch_app:$(random)@build.invalid/dispatch" \
    REDIS_URL="redis://:$(random)@build.invalid/0" \
    DJANGO_SETTINGS_MODULE=config.settings.production STATIC_ROOT=/srv/static \
    /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0

# ---- nginx
FROM ${NGINX_IMAGE} AS proxy
# what the official image brings for its own default site is not used
RUN rm -rf /etc/nginx/conf.d /docker-entrypoint.d /usr/share/nginx/html \
    && install --directory --owner 101 --group 101 --mode 0700 /var/cache/nginx
COPY deploy/nginx/ /etc/nginx/
COPY --from=static /srv/static /srv/static
USER 101:101
EXPOSE 8080 8443
ENTRYPOINT ["/bin/sh", "/etc/nginx/start.sh"]
CMD []
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/proxy-health"]

# ---- PostgreSQL
FROM ${POSTGRES_IMAGE} AS database
# Finished log waits here for the backups. The volume takes owner, group and mode from this folder: the server writes,
# the backups' group takes away.
RUN install --directory --owner 999 --group 10001 --mode 2770 /wal
USER 999:999
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["pg_isready", "--quiet", "--host", "127.0.0.1", "--dbname", "dispatch", "--username", "dispatch_app"]

# ---- PostgreSQL's own programs for backups, exactly the server's, with the libraries they need
FROM ${POSTGRES_IMAGE} AS programs
RUN mkdir -p /programs/bin /programs/lib \
    && for name in pg_basebackup pg_combinebackup pg_verifybackup; do \
        program="$(ls /usr/lib/postgresql/*/bin/$name)"; \
        cp "$program" /programs/bin/; \
        ldd "$program" | awk '$3 ~ "^/" {print $3}' | xargs -I {} cp -L -n {} /programs/lib/; \
    done

# ---- the application
FROM ${PYTHON_IMAGE} AS app
ARG APP_COMMIT=
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production \
    VAR_DIR=/srv/var \
    STATIC_ROOT=/srv/static \
    TMPDIR=/srv/var/tmp \
    APP_COMMIT=${APP_COMMIT} \
    HOME=/tmp
# The numbers are fixed so that files of the volume keep their owner over every rebuild.
RUN groupadd --gid 10001 office \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin office \
    && install --directory --owner 10001 --group 10001 --mode 0700 /srv/var /srv/var/tmp /srv/var/exports
COPY --from=packages /opt/venv /opt/venv
COPY --from=static /srv/static /srv/static
WORKDIR /srv/office
COPY . .
# compiled once here: at run time the file system is read-only
RUN python -m compileall -q -j 0 /opt/venv/lib /srv/office
USER 10001:10001
VOLUME /srv/var
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["gunicorn", "--config", "config/gunicorn.py", "config.wsgi:application"]
# for the web process; docker-compose.yml gives worker and beat their own
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "deploy/health/web.py"]

# ---- the application with PostgreSQL's own programs
FROM app AS backup
USER 0:0
COPY --from=programs /programs /opt/postgresql
# Only what the base has not: its own libraries stay the ones everything else uses. At the end the program itself is
# asked, so that a missing library fails here and not at night.
RUN for file in /opt/postgresql/lib/*; do \
        if ldconfig -p | grep -q "^\s*$(basename "$file") "; then rm "$file"; fi; \
    done \
    && echo /opt/postgresql/lib > /etc/ld.so.conf.d/postgresql.conf \
    && ldconfig \
    && /opt/postgresql/bin/pg_basebackup --version \
    && install --directory --owner 10001 --group 10001 --mode 0700 /srv/backup \
    && install --directory --owner 999 --group 10001 --mode 2770 /wal
ENV POSTGRES_BIN=/opt/postgresql/bin
USER 10001:10001
VOLUME /srv/backup
HEALTHCHECK --interval=60s --timeout=20s --start-period=30s --retries=3 \
    CMD ["python", "-m", "deploy.health.worker"]

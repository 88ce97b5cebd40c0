# Two images from one build: `app` (web, worker, beat, setup) and `proxy` (nginx with the same version's static files).
# Why this base: docs/adr/0009-container-base-image.md. Nothing here is a secret, and no layer ever holds one.
ARG PYTHON_IMAGE=python:3.12-slim-trixie
ARG NGINX_IMAGE=nginx:1.30-trixie

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

# ---- the application
FROM ${PYTHON_IMAGE} AS app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production \
    VAR_DIR=/srv/var \
    STATIC_ROOT=/srv/static \
    TMPDIR=/srv/var/tmp \
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

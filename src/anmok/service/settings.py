"""Django's settings, all of them from the environment: ``anmok serve`` and ``anmok manage`` set it.

ANMOK_SERVICE      the service's folder (``folder.ServiceFolder``)
ANMOK_BUNDLE       the bundles that answer: NAME=FILE, one a line (``hosting.choices``)
ANMOK_QUEUE        photos that a process takes on at a time; further ones are told to come again
ANMOK_TOGETHER     photos that go through the model together
DATABASE_URL       for example mysql://user:password@host/name; SQLite in the folder where it is not set
ANMOK_HOSTS        names under which the service may be asked for, separated by commas
ANMOK_HTTPS        1: behind a proxy that speaks HTTPS; cookies are then sent over HTTPS alone
ANMOK_PROXIES      addresses of proxies whose X-Forwarded-For is believed, separated by commas (``limits.address``)
ANMOK_LIMITS       off: photos and requests are not limited; wrong passwords always are
"""

from __future__ import annotations

import os
from pathlib import Path

import dj_database_url
from django.utils.translation import gettext_lazy

from anmok.service.folder import ServiceFolder
from anmok.service.limits.address import Proxies

FOLDER = ServiceFolder(Path(os.environ["ANMOK_SERVICE"]))
BUNDLE = os.environ.get("ANMOK_BUNDLE", "")
MOST_WAITING = int(os.environ.get("ANMOK_QUEUE") or 24)
TOGETHER = int(os.environ.get("ANMOK_TOGETHER") or 1)

SECRET_KEY = FOLDER.secret_key()
DEBUG = False
ALLOWED_HOSTS = [name for name in os.environ.get("ANMOK_HOSTS", "localhost,127.0.0.1,[::1]").split(",") if name]
HTTPS = os.environ.get("ANMOK_HTTPS") == "1"

INSTALLED_APPS = [
    "anmok.service.cards",
    "anmok.service.uploads",
    "anmok.service.backup",
    "anmok.service.identify",
    "anmok.service.accounts",
    "anmok.service.limits",
    "anmok.service.hosting",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    # Its own copy of the page that describes the API: from elsewhere the policy would let nothing load.
    "ninja",
]
MIDDLEWARE = [
    "anmok.service.hosting.probes.Probes",
    "anmok.service.hosting.middleware.Measured",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "anmok.service.policy.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "anmok.service.language.VisitorsLanguage",
    "anmok.service.problems.Problems",
    "django.middleware.common.CommonMiddleware",
    "anmok.service.policy.LimitedBody",
    # Before a form's body is looked at.
    "anmok.service.limits.rates.Limits",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "anmok.service.accounts.acting.Acting",
    "anmok.service.accounts.access.VisitorsOrLogin",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "anmok.service.policy.ExplainedStorage",
    "anmok.service.hosting.middleware.QueueWords",
]
CSRF_FAILURE_VIEW = "anmok.service.refusals.forged"
ROOT_URLCONF = "anmok.service.urls"
WSGI_APPLICATION = "anmok.service.wsgi.application"
TEMPLATES = [
    {
        # The pages speak through Anmok's own catalogue, as the reports do.
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {"environment": "anmok.service.pages.environment", "trim_blocks": True, "lstrip_blocks": True},
    },
    {
        # Django's own pages: the admin.
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]
DATABASES = {
    "default": dj_database_url.config(default=f"sqlite:///{FOLDER.database}", conn_max_age=60, conn_health_checks=True)
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.mysql":
    # Django asks for mysqlclient, which is GPL and must be compiled; PyMySQL (MIT) stands in for it.
    import pymysql

    pymysql.install_as_MySQLdb()
    # Threads hand their connections on when a request is answered, instead of keeping one each.
    DATABASES["default"] |= {"ENGINE": "anmok.service.mysql", "CONN_MAX_AGE": 0}
# What the URL itself names stands.
DATABASE_OPTIONS: dict[str, dict[str, object]] = {
    # Readers go on while one writes; writers wait for each other instead of failing.
    "django.db.backends.sqlite3": {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    },
    "anmok.service.mysql": {"charset": "utf8mb4", "init_command": "SET sql_mode='STRICT_TRANS_TABLES'"},
}
DATABASES["default"]["OPTIONS"] = {
    **DATABASE_OPTIONS.get(DATABASES["default"]["ENGINE"], {}),
    **DATABASES["default"].get("OPTIONS", {}),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

AUTHENTICATION_BACKENDS = ["anmok.service.accounts.backend.ThrottledBackend"]
LOGIN_URL = "login"
#: Which proxies are believed, and whether visitors and programs are limited.
PROXIES = Proxies(os.environ.get("ANMOK_PROXIES", ""))
LIMITED = os.environ.get("ANMOK_LIMITS") != "off"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", gettext_lazy("English")), ("ko", gettext_lazy("Korean"))]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATICFILES_DIRS = [Path(__file__).parent / "static"]
STATIC_ROOT = FOLDER.path / "static"
# Pages name no file without the hash of what is in it.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "anmok.service.static_files.GzippedFiles"},
}

#: Bytes of one photo, and of everything in one request.
MOST_PHOTO_BYTES = 20 * 2**20
MOST_REQUEST_BYTES = 60 * 2**20
# A small request stays in memory, and has no photo that is too large; of others each photo is counted.
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "anmok.service.policy.LimitedUpload",
]
DATA_UPLOAD_MAX_NUMBER_FILES = 20
# A card with two hundred places near it is a form of two thousand fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4000

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
# Subdomains, and the list that browsers carry, are the business of whoever owns the domain.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # What a visitor was refused in words is no news; what went wrong here is.
    "filters": {"news": {"()": "anmok.service.news.News"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["news"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
}

"""The surfaces and where they are (design.md §3)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from office.views.front import front_door, healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("", front_door, name="home"),
    path("healthz", healthz, name="healthz"),
    path("", include("accounts.urls")),
    path("office/", include("office.urls")),
    path("admin/", admin.site.urls),
]

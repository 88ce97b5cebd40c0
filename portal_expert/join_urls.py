"""The address of /join/."""

from django.urls import path

from portal_expert.views import join

app_name = "join"

urlpatterns = [path("", join.join, name="join")]

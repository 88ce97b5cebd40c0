"""The admin: master data and look-up for the office; whatever has a workflow is read-only there."""

from django.contrib.admin.apps import AdminConfig


class OfficeAdminConfig(AdminConfig):
    default_site = "core.adminsite.site.OfficeAdminSite"

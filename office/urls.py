"""The addresses of the office's screens."""

from django.urls import path

from office.views import (
    bank_accounts,
    dispatches,
    home,
    imports,
    jobs,
    months,
    notifications,
    payouts,
    registers,
    runs,
)

app_name = "office"

urlpatterns = [
    path("", home.office_home, name="home"),
    path("months/", months.month_list, name="month_list"),
    path("months/<str:month>/", months.month_detail, name="month_detail"),
    path("months/<str:month>/check/", months.month_check, name="month_check"),
    path("runs/", runs.run_list, name="run_list"),
    path("runs/new/", runs.run_new, name="run_new"),
    path("runs/<str:name>/", runs.run_detail, name="run_detail"),
    path("runs/<str:name>/compute/", runs.run_compute, name="run_compute"),
    path("runs/<str:name>/approve/", runs.run_approve, name="run_approve"),
    path("runs/<str:name>/drop/", runs.run_drop, name="run_drop"),
    path("runs/<str:name>/export/", runs.run_export, name="run_export"),
    path("runs/<str:name>/transfer/", runs.run_transfer, name="run_transfer"),
    path("runs/<str:name>/close/", runs.run_close, name="run_close"),
    path("runs/<str:name>/all.zip", payouts.run_archive, name="run_archive"),
    path("runs/<str:name>/files/<path:file_name>", payouts.run_file, name="run_file"),
    path("runs/<str:name>/payouts/<str:expert>/", payouts.payout_detail, name="payout_detail"),
    path("dispatches/", dispatches.dispatch_list, name="dispatch_list"),
    path("dispatches/<str:number>/", dispatches.dispatch_detail, name="dispatch_detail"),
    path("experts/", registers.expert_list, name="expert_list"),
    path("experts/<str:code>/", registers.expert_detail, name="expert_detail"),
    path("experts/<str:code>/bank-account/", bank_accounts.bank_account, name="bank_account"),
    path("institutions/", registers.institution_list, name="institution_list"),
    path("institutions/<str:code>/", registers.institution_detail, name="institution_detail"),
    path("imports/", imports.import_list, name="import_list"),
    path("imports/<int:pk>/", imports.import_detail, name="import_detail"),
    path("imports/<int:pk>/errors.csv", imports.import_errors, name="import_errors"),
    path("mails/", notifications.mail_list, name="mail_list"),
    path("mails/<int:pk>/", notifications.mail_detail, name="mail_detail"),
    path("mails/<int:pk>/decide/", notifications.mail_decide, name="mail_decide"),
    path("jobs/", jobs.job_list, name="job_list"),
    path("jobs/<int:pk>/", jobs.job_detail, name="job_detail"),
    path("jobs/<int:pk>/progress/", jobs.job_progress, name="job_progress"),
    path("jobs/<int:pk>/requeue/", jobs.job_requeue, name="job_requeue"),
    path("jobs/<int:pk>/cancel/", jobs.job_cancel, name="job_cancel"),
]

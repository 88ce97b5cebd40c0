"""The addresses of /receipts/."""

from django.urls import path

from dispatch import receipt_views

app_name = "receipts"

urlpatterns = [
    path("of/<str:number>/", receipt_views.listing, name="list"),
    path("add/<str:number>/", receipt_views.add, name="add"),
    path("<uuid:receipt>/", receipt_views.content, name="content"),
    path("<uuid:receipt>/thumbnail/", receipt_views.thumbnail, name="thumbnail"),
    path("<uuid:receipt>/remove/", receipt_views.remove, name="remove"),
]

"""Faults that the tools must find: file by file, written to a folder of their own, never part of the product."""

PLANTED = {
    "queries.py": """
from django.db import connection
from django.db.models.expressions import RawSQL


def search(request):
    word = request.GET.get("q")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name FROM experts_expert WHERE name = '{word}'")
        cursor.execute("SELECT name FROM experts_expert WHERE name = '%s'" % word)
    return Expert.objects.annotate(x=RawSQL("SELECT 1", ()))
""",
    "shell.py": """
import pickle
import subprocess


def convert(name, data):
    subprocess.run("convert " + name, shell=True)
    return pickle.loads(data)
""",
    "views/marks.py": """
from django.utils.safestring import mark_safe


def greeting(request):
    return mark_safe("<b>" + request.GET["name"] + "</b>")
""",
    "views/all_rows.py": """
from dispatch.models import Dispatch


def dispatch_list(request):
    return render(request, "list.html", {"rows": Dispatch.objects.filter(number=request.GET["number"])})
""",
    "views/forged.py": """
from django import forms
from django.contrib.auth.decorators import login_not_required
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
@login_not_required
def receive(request):
    return HttpResponse("ok")


class ExpertForm(forms.ModelForm):
    class Meta:
        model = Expert
        fields = "__all__"
""",
    "views/files.py": """
def download(request):
    return FileResponse(open("/srv/files/" + request.GET["name"], "rb"))
""",
    "views/leading.py": """
from django.shortcuts import redirect


def on(request):
    target = request.POST.get("next")
    return redirect(target)
""",
    "fetching.py": """
import urllib.request


def fetch(address):
    return urllib.request.urlopen(address).read()
""",
    "waking.py": """
import datetime as dt

from payments.tasks import compute


def begin(run):
    compute.delay(run.pk)
    return dt.datetime.now()
""",
    "logging_bank.py": """
import logging

log = logging.getLogger(__name__)


def tell(expert):
    log.info("paid to %s", expert.account_number)
""",
    "trusting.html": """
<p>{{ note|safe }}</p>
<script src="https://cdn.example.com/x.js"></script>
<button onclick="go()">x</button>
""",
    "writing.js": """
export function show(place, text) {
  place.innerHTML = text;
}
""",
}

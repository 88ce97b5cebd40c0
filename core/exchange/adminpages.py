"""The registers in the admin: look-up, upload → preview → confirm, export. Nothing but the engine validates."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms import CharField, TextInput
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import Format
from import_export.forms import ExportForm, ImportForm
from import_export.results import InvalidRow, Result, RowResult
from import_export.tmp_storages import BaseStorage

from core.adminsite.matrix import ByMatrix
from core.audit.acting import Actor
from core.audit.services import record_page
from core.errors import DomainError
from core.exports.services import request_export
from core.files.vault import Vault, random_name

from . import services
from .engine import LoadResult
from .registry import Table, table_of

_SHOWN_ROWS = 300
_SHOWN_PROBLEMS = 500
# An upload that nobody confirmed within a day is deleted with the next one.
_KEPT_SECONDS = 24 * 60 * 60


class CsvFormat(Format):
    """The CSV file of the exchange, left to the engine as it is."""

    ending = "csv"
    content_type = "text/csv; charset=utf-8"

    def __init__(self, encoding: str | None = None) -> None:
        self.encoding = encoding

    def get_title(self) -> str:
        """What the form calls it."""
        return self.ending.upper()

    def get_extension(self) -> str:
        """The ending of its files."""
        return self.ending

    def get_content_type(self) -> str:
        """Its media type."""
        return self.content_type

    def create_dataset(self, in_stream: BinaryIO) -> "Upload":
        """The uploaded bytes with their kind; parsing is the engine's work."""
        return Upload(in_stream, self.ending)

    def can_import(self) -> bool:
        """Both ways."""
        return True

    can_export = can_import


class XlsxFormat(CsvFormat):
    """The same columns as a workbook."""

    ending = "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Upload:
    """Uploaded bytes on their way to the engine."""

    def __init__(self, stream: BinaryIO, ending: str) -> None:
        self.stream, self.ending = stream, ending


class UploadStorage(BaseStorage):
    """Uploads between preview and confirmation: encrypted files with names nobody can guess."""

    @staticmethod
    def _kept() -> Vault:
        return Vault(Path(settings.UPLOAD_DIR) / "admin")

    def save(self, data: Iterable[bytes]) -> None:
        """Keeps the chunks of an upload."""
        self._kept().sweep(_KEPT_SECONDS)
        self.name = random_name()
        self._kept().save(self.name, data)

    def read(self) -> BinaryIO:
        """The upload, to be read as a stream."""
        try:
            return self._kept().open(self.name or "")
        except FileNotFoundError:
            raise DomainError(
                "取り込むファイルが見つかりません。もう一度ファイルを選んでください。"
            ) from None

    def remove(self) -> None:
        """Deletes the upload once it is loaded."""
        self._kept().delete(self.name or "")


class UploadForm(ImportForm):
    """The first step; refuses files beyond the limit."""

    def clean_import_file(self) -> UploadedFile:
        """The file, when it isn't too large."""
        file: UploadedFile = self.cleaned_data["import_file"]
        if (file.size or 0) > settings.IMPORT_MAX_BYTES:
            limit = settings.IMPORT_MAX_BYTES // 1024**2
            raise ValidationError(f"ファイルが大きすぎます。{limit}MB までにしてください。")
        return file


class PurposeForm(ExportForm):
    """What is taken out, and why."""

    purpose = CharField(
        label="目的",
        max_length=500,
        widget=TextInput(attrs={"class": "vTextField"}),
        help_text="何のために書き出すのかを書いてください。氏名・日時・項目・件数とともに記録されます。口座番号は下3桁だけが入ります。",
    )


class ColumnOfTable:
    """What the pages list of a column."""

    def __init__(self, name: str) -> None:
        self.column_name = name


class RegisterResource:
    """What the import pages ask: a table's columns, and a load with its outcome in their terms."""

    table: Table

    def __init__(self, **kwargs: Any) -> None:
        """The pages pass the request; nothing here needs it."""

    @classmethod
    def get_display_name(cls) -> str:
        """What people call the register."""
        return cls.table.title

    def get_user_visible_fields(self) -> list[ColumnOfTable]:
        """The columns of the file."""
        return [ColumnOfTable(column.name) for column in self.table.columns]

    def import_data(self, dataset: Upload, dry_run: bool = False, user: Any = None, **kwargs: Any) -> Result:
        """Loads the upload with the engine, or only tries it."""
        name = f"{self.table.name}.{dataset.ending}"
        with dataset.stream as stream:
            loaded = services.load_files(
                {name: stream},
                actor=user,
                dry_run=dry_run,
                source=f"管理画面 {kwargs.get('file_name') or name}",
                preview=_SHOWN_ROWS if dry_run else 0,
            )
        return _as_result(self.table, loaded, name)


def _as_result(table: Table, loaded: LoadResult, name: str) -> Result:
    result = Result()
    counts = loaded.files[name]
    result.total_rows = counts["read"]
    result.totals[RowResult.IMPORT_TYPE_NEW] = counts["created"]
    result.totals[RowResult.IMPORT_TYPE_UPDATE] = counts["updated"]
    result.totals[RowResult.IMPORT_TYPE_SKIP] = counts["unchanged"]
    result.totals[RowResult.IMPORT_TYPE_DELETE] = loaded.removed.get(name, 0)
    if not loaded.ok:
        result.diff_headers = ["値"]
        for problem in loaded.errors[:_SHOWN_PROBLEMS]:
            error = ValidationError({problem.column or NON_FIELD_ERRORS: [problem.reason]})
            result.invalid_rows.append(InvalidRow(problem.line, error, (problem.value,)))
        if loaded.problems.count > _SHOWN_PROBLEMS:
            more = ValidationError(f"ほか {loaded.problems.count - _SHOWN_PROBLEMS:,} 件の誤りがあります。")
            result.invalid_rows.append(InvalidRow("", more, ("",)))
        return result
    others = [column.name for column in table.columns if column.name not in table.key]
    result.diff_headers = ["行", "・".join(table.key), *others]
    for row in loaded.previews.get(name, []):
        shown = RowResult()
        shown.import_type = RowResult.IMPORT_TYPE_NEW if row.is_new else RowResult.IMPORT_TYPE_UPDATE
        shown.diff = [format_html("{}", row.line), format_html("{}", row.key)]
        for column in others:
            was, now = row.was.get(column, ""), row.now.get(column, "")
            changed = not row.is_new and column in row.now
            shown.diff.append(
                format_html("<del>{}</del> <ins>{}</ins>", was or "（空）", now or "（空）")
                if changed
                else format_html("{}", now)
            )
        result.append_row_result(shown)
    return result


class RegisterAdmin(ImportExportMixin, ByMatrix):
    """A register: those of the office who work on dispatches look, import and export; rows are not edited here."""

    import_form_class = UploadForm
    export_form_class = PurposeForm
    tmp_storage_class = UploadStorage
    show_full_result_count = False
    list_per_page = 50

    @property
    def table(self) -> Table:
        """The register's declaration."""
        return table_of(self.model)

    def get_resource_classes(self, request: HttpRequest) -> list[type[RegisterResource]]:
        """One resource: the register itself."""
        return [type(f"{self.model.__name__}Resource", (RegisterResource,), {"table": self.table})]

    def get_import_formats(self) -> list[type[Format]]:
        """CSV and XLSX of the exchange."""
        return [CsvFormat, XlsxFormat]

    get_export_formats = get_import_formats

    # -- who may

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whoever may load data."""
        return self._may(request, "load_data")

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may take data out of the registers they see."""
        return self.has_view_permission(request) and self._may(request, "export_data")

    # -- the pages

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list; whose rows were shown to whom is recorded."""
        response = super().changelist_view(request, extra_context)
        if shown := getattr(response, "context_data", {}).get("cl"):
            record_page(actor=cast(Actor, request.user), rows=shown.result_list)
        return response

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row a page is about; that it was shown is recorded."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            record_page(actor=cast(Actor, request.user), rows=row)
        return row

    def write_to_tmp_storage(self, import_file: UploadedFile, input_format: Format) -> UploadStorage:
        """Streams the upload to disk."""
        storage = UploadStorage()
        storage.save(import_file.chunks())
        return storage

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        """After the confirmation: what was loaded, or why nothing was (the data changed since the preview)."""
        if not result.has_validation_errors():
            totals = result.totals
            messages.success(
                request,
                f"{self.opts.verbose_name_plural}を取り込みました。追加 {totals[RowResult.IMPORT_TYPE_NEW]:,} 行、"
                f"更新 {totals[RowResult.IMPORT_TYPE_UPDATE]:,} 行、変更なし {totals[RowResult.IMPORT_TYPE_SKIP]:,} 行。",
            )
            return HttpResponseRedirect(self._url("changelist"))
        first = result.invalid_rows[0]
        reasons = "、".join(text for texts in first.error_dict.values() for text in texts)
        messages.error(
            request,
            f"取り込めませんでした。何も変更していません。{first.number} 行目: {reasons} もう一度お確かめください。",
        )
        return HttpResponseRedirect(self._url("import"))

    def _url(self, page: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}")

    def _do_file_export(
        self, file_format: Format, request: HttpRequest, queryset: Any, export_form: Any = None
    ) -> HttpResponse:
        """Asks for the rows of the list, as it is filtered, to be prepared; they are taken from the list of exports."""
        if export_form is None or not self.has_export_permission(request):
            raise PermissionDenied
        request_export(
            actor=request.user,
            table=self.table,
            ending=file_format.get_extension(),
            purpose=export_form.cleaned_data["purpose"],
            ids=queryset.order_by("pk").values_list("pk", flat=True),
        )
        return HttpResponseRedirect(reverse("office:export_list"))

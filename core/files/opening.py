"""A program of its own: opens one uploaded file, with limits and without secrets, and writes it anew.

Started by core/files/intake.py for each file. Decoders of pictures and PDFs are where hostile files attack, so they
work here: no environment, no settings, no database, little memory and time. Reads the file on standard input, the
limits as JSON in the first argument; answers one line of JSON and then the bytes of the kept file and its thumbnail.

Nothing of ours is imported: the program runs isolated (`python -I`).
"""

import io
import json
import resource
import sys
import zipfile
from typing import Any

JPEG, PNG, PDF, HEIC = "image/jpeg", "image/png", "application/pdf", "image/heic"
THUMBNAIL_EDGE = 480
_MEMORY = 1024 * 1024 * 1024
_CPU_SECONDS = 20
_MOST_OBJECTS = 50_000
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
# What no picture of a receipt holds, and what a server or a browser might run.
_CODE = (b"<?php", b"<script", b"<html", b"<!doctype", b"<iframe", b"%pdf-")
_PICTURES = "JPEG・PNG・HEIC の写真か PDF にして、もう一度選んでください。"
# How other kinds of files begin, to name them in the refusal.
_OTHERS = (
    (b"GIF8", "GIF"), (b"BM", "BMP"), (b"II*\x00", "TIFF"), (b"MM\x00*", "TIFF"), (b"PK\x03\x04", "ZIP や Office"),
    (b"\xd0\xcf\x11\xe0", "Office"), (b"MZ", "プログラム"), (b"\x7fELF", "プログラム"), (b"#!", "プログラム"),
    (b"<", "HTML や SVG"), (b"\xef\xbb\xbf<", "HTML や SVG"),
)  # fmt: skip


class Refused(Exception):
    """The file isn't taken; the message says why and what to do, in Japanese."""


def kind_of(content: bytes) -> str:
    """What the bytes are, whatever the file is called. Raises Refused."""
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content.startswith(b"%PDF-"):
        return PDF
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        return HEIC
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        raise Refused(f"WebP の画像は受け取れません。{_PICTURES}")
    for start, name in _OTHERS:
        if content.lstrip()[: len(start)] == start:
            raise Refused(f"中身が {name} のファイルのため、受け取れません。{_PICTURES}")
    raise Refused(f"中身が写真でも PDF でもないため、受け取れません。{_PICTURES}")


def _refuse_hidden_file(content: bytes) -> None:
    """Refuses one file that is two: what opens as an archive as well."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        raise Refused(
            f"一つのファイルに別のファイル（ZIP）が隠れているため、受け取れません。撮り直すか、{_PICTURES}"
        )


def open_picture(content: bytes, kind: str, limits: dict[str, int]) -> dict[str, Any]:
    """The picture turned upright, without its metadata, no larger than wanted; and its thumbnail."""
    from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

    lower = content.lower()
    if any(code in lower for code in _CODE):
        raise Refused(f"写真の中にプログラムが含まれているため、受け取れません。撮り直すか、{_PICTURES}")
    _refuse_hidden_file(content)
    Image.MAX_IMAGE_PIXELS = None  # ours is the limit, with a sentence
    if kind == HEIC:
        import pi_heif

        pi_heif.register_heif_opener()
    formats = {JPEG: ["JPEG"], PNG: ["PNG"], HEIC: ["HEIF"]}[kind]
    edge = limits["edge"]
    try:
        with Image.open(io.BytesIO(content), formats=formats) as head:
            width, height = head.size
            if width * height > limits["pixels"]:
                raise Refused(
                    f"写真が大きすぎます（{width:,}×{height:,} 画素）。{limits['pixels'] // 1_000_000:,}00万画素"
                    "以下の写真にして、もう一度選んでください。"
                )
            if kind == PNG:
                head.verify()
        picture: Image.Image
        with Image.open(io.BytesIO(content), formats=formats) as opened:
            opened.draft("RGB", (edge, edge))
            opened.load()
            profile = opened.info.get("icc_profile")
            picture = ImageOps.exif_transpose(opened)
            picture.thumbnail((edge, edge), Image.Resampling.LANCZOS)
            picture = _flattened(picture)
            if profile:
                # what comes without its profile must look right all the same
                try:
                    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
                    target = ImageCms.createProfile("sRGB")
                    picture = ImageCms.profileToProfile(picture, source, target) or picture
                except (ImageCms.PyCMSError, OSError, ValueError):
                    pass
    except Refused:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError):
        raise Refused(
            "写真が壊れているか、途中で切れているため開けません。撮り直すか、別のファイルを選んでください。"
        ) from None
    # a fresh picture of the pixels alone: no EXIF (position, device), no profile, no comment
    clean = Image.new("RGB", picture.size)
    clean.paste(picture)
    kept, media_type = _encoded(clean, "JPEG", quality=88, optimize=True, progressive=True), JPEG
    if kind == PNG:
        exact = _encoded(clean, "PNG", optimize=True)
        if len(exact) <= len(kept):
            kept, media_type = exact, PNG
    return {
        "media_type": media_type,
        "width": clean.width,
        "height": clean.height,
        "pages": None,
        "kept": kept,
        "thumbnail": _thumbnail(clean),
    }


def _flattened(picture: Any) -> Any:
    """RGB on white."""
    from PIL import Image

    if picture.mode.startswith("I"):
        # 16 bits of grey: the upper ones are what can be seen
        picture = picture.point(lambda value: value / 256).convert("L")
    if picture.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    if picture.mode == "RGBA":
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture.getchannel("A"))
        return white
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _encoded(picture: Any, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def _thumbnail(picture: Any) -> bytes:
    small = picture.copy()
    small.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
    return _encoded(small, "JPEG", quality=80, optimize=True)


# What a receipt has no need of: names of a PDF's dictionaries, and kinds of actions, with what they are called.
_FORBIDDEN_NAMES = {
    "/JS": "プログラム（JavaScript）", "/JavaScript": "プログラム（JavaScript）", "/EmbeddedFiles": "別のファイル",
    "/EF": "別のファイル", "/RichMedia": "動画などの部品", "/RichMediaContent": "動画などの部品", "/XFA": "動く書式（XFA）",
    "/3DD": "立体の部品",
}  # fmt: skip
_FORBIDDEN_ACTIONS = {
    "/JavaScript": "プログラム（JavaScript）", "/Launch": "ほかのプログラムを起動する命令",
    "/SubmitForm": "データを送信する命令", "/ImportData": "データを取り込む命令", "/GoToE": "別のファイルを開く命令",
    "/GoToR": "別のファイルを開く命令", "/Movie": "動画などの部品", "/Sound": "動画などの部品",
    "/Rendition": "動画などの部品", "/RichMediaExecute": "動画などの部品",
}  # fmt: skip
# All that makes up how a page looks; actions, annotations and private data of programs are none of it.
_PAGE_KEYS = ("/Type", "/MediaBox", "/CropBox", "/Rotate", "/Resources", "/Contents", "/UserUnit", "/Group")


def open_pdf(content: bytes, limits: dict[str, int]) -> dict[str, Any]:
    """The PDF's pages in a new PDF that can do nothing but be shown; and a picture of the first one."""
    from pypdf import PageObject, PdfReader, PdfWriter
    from pypdf.errors import PyPdfError
    from pypdf.generic import NameObject

    tail = content[content.rfind(b"%%EOF") + 5 :] if b"%%EOF" in content else None
    if tail is None:
        raise Refused("PDF が途中で切れているため開けません。もう一度保存してから選んでください。")
    if tail.strip(b"\r\n\t \x00"):
        raise Refused(
            "PDF の後ろに別のデータが付いているため、受け取れません。PDF として保存し直してください。"
        )
    _refuse_hidden_file(content)
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise Refused(
                "パスワードや制限の付いた PDF は受け取れません。制限のない PDF か写真を選んでください。"
            )
        pages = len(reader.pages)
        if not 0 < pages <= limits["pages"]:
            raise Refused(
                f"PDF が {pages:,} ページあります。{limits['pages']:,} ページまでに分けて選んでください。"
                if pages
                else "PDF にページがありません。別のファイルを選んでください。"
            )
        _refuse_active(reader)
        flat = PdfReader(io.BytesIO(_flattened_pdf(content)))
        writer = PdfWriter()
        for page in flat.pages:
            # inherited values first, then only what the page looks like
            plain = PageObject(writer)
            for key in _PAGE_KEYS:
                value = page.get(key) if key in page else page.get_inherited(key, None)
                if value is not None:
                    plain[NameObject(key)] = page.raw_get(key) if key in page else value
            writer.add_page(plain)
        writer.metadata = None
        out = io.BytesIO()
        writer.write(out)
    except Refused:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, RecursionError):
        raise Refused(
            "PDF が壊れているため開けません。もう一度保存するか、印刷した画面の写真を選んでください。"
        ) from None
    kept = out.getvalue()
    if len(kept) > 2 * limits["bytes"]:
        raise Refused("PDF の中身が大きすぎます。写真の解像度を下げて保存し直してください。")
    width, height, first = _first_page(kept)
    return {
        "media_type": PDF,
        "width": width,
        "height": height,
        "pages": pages,
        "kept": kept,
        "thumbnail": _thumbnail(first),
    }


def _refuse_active(reader: Any) -> None:
    """Looks at every object that can be reached for what acts, hides files or plays."""
    from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

    seen: set[int] = set()
    waiting: list[Any] = [reader.trailer]
    count = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, IndirectObject):
            if value.idnum in seen:
                continue
            seen.add(value.idnum)
            value = value.get_object()
        count += 1
        if count > _MOST_OBJECTS * 20 or len(seen) > _MOST_OBJECTS:
            raise Refused("PDF の作りが複雑すぎるため確かめられません。印刷した画面の写真を選んでください。")
        if isinstance(value, DictionaryObject):
            for key, part in value.items():
                name = _FORBIDDEN_NAMES.get(str(key))
                if name is None and key == "/S":
                    name = _FORBIDDEN_ACTIONS.get(str(part))
                if name:
                    raise Refused(
                        f"PDF に{name}が含まれているため、受け取れません。"
                        "「PDF に印刷」で保存し直すか、写真を選んでください。"
                    )
                waiting.append(part)
        elif isinstance(value, ArrayObject):
            waiting.extend(value)


def _flattened_pdf(content: bytes) -> bytes:
    """The pages with what is filled into forms painted on them, as they would be printed."""
    import pypdfium2
    from pypdfium2 import raw

    try:
        with pypdfium2.PdfDocument(content) as document:
            document.init_forms()
            for number in range(len(document)):
                page = document[number]
                raw.FPDFPage_Flatten(page, raw.FLAT_PRINT)
                page.close()
            out = io.BytesIO()
            document.save(out)
    except pypdfium2.PdfiumError:
        raise ValueError("pdfium can't open it") from None
    return out.getvalue()


def _first_page(content: bytes) -> tuple[int, int, Any]:
    """Size of the first page in points, and a picture of it."""
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(content) as document:
            page = document[0]
            width, height = page.get_size()
            if not (1 <= width <= 20_000 and 1 <= height <= 20_000):
                raise Refused("PDF のページの大きさが正しくありません。もう一度保存してから選んでください。")
            scale = min(2.0, 2 * THUMBNAIL_EDGE / max(width, height))
            picture = page.render(scale=scale).to_pil().convert("RGB")
    except pypdfium2.PdfiumError:
        raise Refused("PDF が壊れているため開けません。もう一度保存してから選んでください。") from None
    return round(width), round(height), picture


def main() -> None:
    """Reads, opens, answers."""
    limits = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    content = sys.stdin.buffer.read(limits["bytes"] + 1)
    try:
        kind = kind_of(content)
        found = open_pdf(content, limits) if kind == PDF else open_picture(content, kind, limits)
    except Refused as refusal:
        answer: dict[str, Any] = {"refused": str(refusal)}
        kept = thumbnail = b""
    except MemoryError:
        answer = {"refused": "ファイルを開くのに大きすぎます。小さくしてから選んでください。"}
        kept = thumbnail = b""
    else:
        kept, thumbnail = found.pop("kept"), found.pop("thumbnail")
        answer = {**found, "received_type": kind, "kept": len(kept), "thumbnail": len(thumbnail)}
    out = sys.stdout.buffer
    out.write(json.dumps(answer).encode() + b"\n")
    out.write(kept)
    out.write(thumbnail)
    out.flush()


if __name__ == "__main__":
    main()

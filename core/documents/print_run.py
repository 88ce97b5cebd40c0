"""Many pages as one PDF to print, given out while it is drawn: memory stays the same however many pages there are.

The pages are drawn on a `Sheet` and leave as they are done; the fonts, which hold the characters of all pages, and the
list of the pages follow at the end.
"""

from array import array
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFIndirectObject

from .sheet import Sheet

_HEAD: Final = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
# Numbers of the objects that every page or the end of the file refers to; the pages follow.
_CATALOG, _PAGES, _FONTS, _INFO, _FIRST_FREE = 1, 2, 3, 4, 5
# A list of pages is a tree, so that no object grows with the number of pages.
_BRANCH: Final = 256

T = TypeVar("T")


def print_run(sheet: Sheet, items: Iterator[T], draw: Callable[[Sheet, T], None]) -> Iterator[bytes]:
    """The PDF in pieces: for every item one page, drawn on `sheet` by `draw` (which ends no page itself).

    The same items give the same bytes. The sheet is used up.
    """
    document: Any = sheet.canvas._doc
    code: list[str] = sheet.canvas._code
    places = array("Q", [0] * _FIRST_FREE)
    done = len(_HEAD)
    yield _HEAD

    def written(number: int, content: bytes) -> bytes:
        nonlocal done
        while len(places) <= number:
            places.append(0)
        places[number] = done
        done += len(content)
        return content

    branches: list[int] = []
    pages: list[int] = []
    count = 0
    number = _FIRST_FREE
    # the first branch has its number before its pages, which name it
    branch, number = number, number + 1

    def branch_object() -> bytes:
        kids = " ".join(f"{page} 0 R" for page in pages)
        return _object(branch, f"<< /Type /Pages /Parent {_PAGES} 0 R /Count {len(pages)} /Kids [{kids}] >>")

    box = f"/MediaBox [0 0 {sheet.width:.2f} {sheet.height:.2f}]"
    for item in items:
        if len(pages) == _BRANCH:
            yield written(branch, branch_object())
            branches.append(branch)
            pages.clear()
            branch, number = number, number + 1
        draw(sheet, item)
        content = "\n".join(code).encode("latin-1")
        code.clear()
        sheet.begin_anew()
        stream = b"%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (
            number,
            len(content),
            content,
        )
        page = f"<< /Type /Page /Parent {branch} 0 R {box} /Resources {_FONTS} 0 R /Contents {number} 0 R >>"
        yield written(number, stream) + written(number + 1, _object(number + 1, page))
        pages.append(number + 1)
        number += 2
        count += 1
    yield written(branch, branch_object())
    branches.append(branch)
    kids = " ".join(f"{each} 0 R" for each in branches)
    yield written(_PAGES, _object(_PAGES, f"<< /Type /Pages /Count {count} /Kids [{kids}] >>"))

    # reportlab numbers what it adds from here on
    document.objectcounter = number - 1
    fonts: Any = PDFDictionary({})
    document.idToObject["BasicFonts"] = fonts
    for font in document.delayedFonts:
        font.addObjects(document)
    while number in document.numberToId:
        name = document.numberToId[number]
        yield written(number, PDFIndirectObject(name, document.idToObject[name]).format(document))
        number += 1
    names = " ".join(f"/{name} {_number(document, reference)} 0 R" for name, reference in fonts.dict.items())
    yield written(_FONTS, _object(_FONTS, f"<< /Font << {names} >> /ProcSet [/PDF /Text] >>"))
    info = " ".join(
        f"/{key} <FEFF{value.encode('utf-16-be').hex().upper()}>"
        for key, value in (("Title", document.info.title), ("Author", document.info.author))
    )
    yield written(_INFO, _object(_INFO, f"<< {info} >>"))
    yield written(_CATALOG, _object(_CATALOG, f"<< /Type /Catalog /Pages {_PAGES} 0 R /Lang (ja) >>"))
    start = done
    yield b"xref\n0 %d\n0000000000 65535 f \n" % len(places)
    for begin in range(1, len(places), 4096):
        yield b"".join(b"%010d 00000 n \n" % place for place in places[begin : begin + 4096])
    yield b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(places),
        _CATALOG,
        _INFO,
        start,
    )


def _object(number: int, content: str) -> bytes:
    return f"{number} 0 obj\n{content}\nendobj\n".encode("ascii")


def _number(document: Any, reference: Any) -> int:
    number: int = document.idToObjectNumberAndVersion[reference.name][0]
    return number

"""QR codes as SVG, with the encoder of reportlab, which makes our PDFs anyway."""

from dataclasses import dataclass

from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

_MARGIN = 4


@dataclass(frozen=True, slots=True)
class QrPicture:
    """A picture `side` modules wide, margin included; `path` draws the dark ones."""

    side: int
    path: str


def qr_picture(text: str) -> QrPicture:
    """The QR code of a text, at error correction level M."""
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    parts = [
        f"M{column + _MARGIN} {row + _MARGIN}h1v1h-1z"
        for row, modules in enumerate(code.modules)
        for column, dark in enumerate(modules)
        if dark
    ]
    return QrPicture(len(code.modules) + 2 * _MARGIN, "".join(parts))

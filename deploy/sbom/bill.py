"""The bill of materials as CycloneDX JSON: the same bytes for the same pieces."""

import json
import uuid

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from core.version import VERSION

from .licences import Licence
from .parts import Piece
from .support import End, end_of

_TYPES = {
    "library": ComponentType.LIBRARY,
    "file": ComponentType.FILE,
    "platform": ComponentType.PLATFORM,
}
# The namespace of our own serial numbers; any constant does.
_NAMESPACE = uuid.UUID("6c9e5f0e-52f1-4c0e-9f0b-0f6f3f1d2a77")


def bill(found: list[Piece], licences: dict[str, Licence], ends: list[End]) -> str:
    """The document. Neither the moment of making nor a random number is in it: its serial comes from its content."""
    bom = Bom(serial_number=uuid.UUID(int=0))
    bom.metadata.timestamp = None  # type: ignore[assignment]
    bom.metadata.component = Component(
        name="dispatch-office", version=VERSION, type=ComponentType.APPLICATION, bom_ref="dispatch-office"
    )
    parts = [_component(piece, licences[piece.name], end_of(piece, ends)) for piece in found]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(bom.metadata.component, parts)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    document.get("metadata", {}).pop("timestamp", None)
    del document["serialNumber"]
    content = json.dumps(document, sort_keys=True, ensure_ascii=False)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, content)}"
    return json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1) + "\n"


def _component(piece: Piece, licence: Licence, end: End | None) -> Component:
    properties = [Property(name="origin", value=piece.origin)]
    if end is not None:
        properties.append(Property(name="support-line", value=end.line))
        properties.append(
            Property(name="support-end", value=end.end.isoformat() if end.end else "not published")
        )
    if licence.exception:
        properties.append(Property(name="licence-exception", value=licence.exception))
    # several files of one piece, or several wheels of one package: which of them is in use the installer decides
    one = len(piece.hashes) == 1
    properties += [Property(name="sha256", value=digest) for digest in piece.hashes if not one]
    return Component(
        name=piece.name,
        version=piece.version,
        type=_TYPES[piece.kind],
        bom_ref=f"{piece.kind}:{piece.name}@{piece.version}",
        purl=PackageURL("pypi", None, piece.name, piece.version) if piece.kind == "library" else None,
        licenses=[
            LicenseExpression(licence.expression)
            if licence.is_spdx
            else DisjunctiveLicense(name=licence.expression)
        ],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=piece.hashes[0])] if one else (),
        properties=properties,
    )

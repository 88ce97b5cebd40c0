"""What the image installs is enough: every module of the product imports only packages of requirements/base.txt."""

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
OURS = {
    "accounts", "config", "core", "deploy", "dispatch", "experts", "institutions", "office", "payments",
    "portal_expert", "portal_institution", "rules", "surveys",
}  # fmt: skip
# The project's own servers are for machines without others; production names its servers.
EMBEDDED = ("config/servers/", "config/demo.py", "config/settings/embedded.py", "config/settings/test.py")


def imports(path: Path) -> Iterator[str]:
    """The packages a module imports when it is loaded, by their first name; not what a function imports later."""
    waiting: list[ast.AST] = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extend(ast.iter_child_nodes(node))


def test_no_module_of_the_product_needs_a_package_the_image_does_not_install() -> None:
    installed = set(re.findall(r"^([a-z0-9._-]+)==", (PROJECT / "requirements/base.txt").read_text(), re.M))
    packages = importlib.metadata.packages_distributions()
    missing: dict[str, str] = {}
    seen = 0
    for root in sorted(OURS - {"deploy"}):
        for path in sorted((PROJECT / root).rglob("*.py")):
            name = path.relative_to(PROJECT).as_posix()
            if name.startswith(EMBEDDED):
                continue
            for package in imports(path):
                if package in sys.stdlib_module_names or package in OURS:
                    continue
                seen += 1
                names = {re.sub(r"[-_.]+", "-", each).lower() for each in packages.get(package, [])}
                if not names & installed:
                    missing[package] = name
    assert seen > 100
    assert missing == {}

"""Reads which module imports which, without running any of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path


def modules(root: Path, packages: Iterable[str]) -> dict[str, Path]:
    """Every module of the packages below ``root``: dotted name → file."""
    found: dict[str, Path] = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: Mapping[str, Path]) -> set[str]:
    """Dotted names that the module imports anywhere in it, inside functions and for type checking too.

    ``from package import name`` counts as ``package.name`` where that is a module of ``known``.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _source(node, name, path)
            inner = [f"{source}.{alias.name}" for alias in node.names]
            found.update(each if each in known else source for each in inner)
    return found


def reached(start: str, known: Mapping[str, Path]) -> dict[str, str]:
    """Everything that importing ``start`` can lead to: dotted name → the module that imports it."""
    found: dict[str, str] = {}
    waiting = [start]
    while waiting:
        importer = waiting.pop()
        for target in imports(importer, known[importer], known):
            if target not in found:
                found[target] = importer
                if target in known:
                    waiting.append(target)
    return found


def _source(node: ast.ImportFrom, name: str, path: Path) -> str:
    if node.level == 0:
        return node.module or ""
    package = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
    parts = package[: len(package) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)

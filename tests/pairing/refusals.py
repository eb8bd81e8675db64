"""Finds, by reading the source, every code that a module may raise a PairingError with."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef
WHERE_FROM = "ERRORS"
"""A function that asks the table itself whether a code is in it may raise what it was given."""


class Raised(NamedTuple):
    """A place that makes a PairingError, and the codes it can have; None if reading does not tell."""

    place: str
    codes: frozenset[str] | None


def raised_in(path: Path) -> Iterator[Raised]:
    """Every PairingError made in the module at `path`."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    tables = dict(_tables(tree))
    for scope in ast.walk(tree):
        if isinstance(scope, Function):
            for call in _calls(scope, "PairingError"):
                yield Raised(f"{path}:{call.lineno}", _codes(call.args[0], scope, tree, tables))


def _tables(tree: ast.Module) -> Iterator[tuple[str, frozenset[str]]]:
    """The module's constants that hold texts, with those: what they map to, where they map."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            dicts = [inner for inner in ast.walk(node.value) if isinstance(inner, ast.Dict)]
            yield node.targets[0].id, frozenset(text for each in dicts for text in _texts(each.values))


def _texts(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _calls(scope: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Call):
            called = node.func
            if (isinstance(called, ast.Name) and called.id == name) or (
                isinstance(called, ast.Attribute) and called.attr == name
            ):
                yield node


def _written(code: ast.expr) -> frozenset[str]:
    """The texts that the expression is one of; none if it is anything else than texts."""
    if isinstance(code, ast.IfExp):
        body, orelse = _written(code.body), _written(code.orelse)
        return body | orelse if body and orelse else frozenset()
    return frozenset(_texts([code]))


def _codes(
    code: ast.expr, scope: Function, tree: ast.Module, tables: Mapping[str, frozenset[str]]
) -> frozenset[str] | None:
    written = _written(code)
    if written:
        return written
    names = {node.id for node in ast.walk(scope) if isinstance(node, ast.Name)}
    if WHERE_FROM in names:
        return frozenset()
    parameters = [argument.arg for argument in scope.args.args if argument.arg != "self"]
    if isinstance(code, ast.Name) and code.id in parameters:
        at = parameters.index(code.id)
        given = [_written(call.args[at]) for call in _calls(tree, scope.name)]
        return frozenset().union(*given) if all(given) else None
    found = [tables[name] for name in names if tables.get(name)]
    return frozenset().union(*found) if found else None

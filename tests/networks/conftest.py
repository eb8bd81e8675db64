"""The bare tus server, in this process."""

from __future__ import annotations

from tests.upload.conftest import bare, serve

__all__ = ["bare", "serve"]

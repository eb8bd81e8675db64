"""Settings: from the environment (`EVIDENCE_…`) and, above it, from flags."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_PORT = 8480


class Settings(BaseSettings):
    """What an operator can set.  Every field is `EVIDENCE_` plus its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="EVIDENCE_", extra="ignore")

    data: Path = Field(Path("evidence-data"), description="Folder for journal, objects and keys.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(DEFAULT_PORT, ge=1, le=65_535, description="Port to listen on.")
    lan_port: int = Field(8_443, ge=1, le=65_535, description="Port of TLS for phones with `serve --lan`.")
    public_url: str = Field("", description="Address that phones and laptops use.")
    proxies: int = Field(0, ge=0, le=4, description="Proxies in front, each adding to X-Forwarded-For.")
    support_contact: str = Field("", max_length=80, description="Whom to ask for help.")
    idle_body_s: int = Field(30, ge=1, le=600, description="How long a request body may stay silent.")
    alive_every_s: int = Field(10, ge=1, le=60, description="How often the process records that it is alive.")
    worker_memory_mb: int = Field(1_024, ge=256, le=16_384, description="Memory limit of the media worker.")
    look: bool = Field(True, description="Look at pictures and sound; else they are \"not measured\".")
    eye_memory_mb: int = Field(1_536, ge=768, le=16_384, description="Memory limit of the process that does.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least level logged.")

    @property
    def base_url(self) -> str:
        """`public_url`, or where the server listens."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

"""Where the data lives and how to reach it: read once from the environment, then passed on."""

import hashlib
import os
import pwd
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from geo.pace import ADULT, ELDER, Pace

PROJECT = Path(__file__).resolve().parent.parent


class DataSettings(BaseSettings):
    """Settings of storage. Every field is an environment variable with the prefix `YIWANGTU_`."""

    model_config = SettingsConfigDict(env_prefix="YIWANGTU_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(default=PROJECT / "var", description="Directory of generated files and the private cluster.")
    database_url: SecretStr | None = Field(
        default=None,
        description="A PostGIS that exists (postgresql://…), as the owner of the tables; else a private cluster.",
    )
    app_database_url: SecretStr | None = Field(
        default=None,
        description="The same database as a role that owns no table; else the owner's URL with role yiwangtu_app.",
    )
    pool_size: int = Field(
        default=16, ge=1, le=200, description="Database connections that the app keeps open at most."
    )
    statement_timeout_s: float = Field(default=15, gt=0, description="Longest time of one query of the app, seconds.")
    photo_url: str = Field(
        default="",
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w.-]+)*/?)?$",
        description="Where photos are kept: s3://bucket/prefix of an S3 service; empty is the data directory.",
    )
    photo_endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^/\s]+/?)?$",
        description="Address of the S3 service (https://…) where it is not Amazon's, such as MinIO's.",
    )
    photo_region: str = Field(default="us-east-1", description="Region of the S3 service.")
    photo_key: str = Field(default="", description="Access key of the S3 service.")
    photo_secret: SecretStr | None = Field(default=None, description="Secret key of the S3 service.")
    indicators: Path | None = Field(
        default=None,
        description="A CSV file of the evaluation's indicators with a city's thresholds; else the built-in sample.",
    )
    dask_scheduler: str = Field(
        default="", description="A dask.distributed scheduler (tcp://…) for jobs; empty is a local cluster."
    )
    job_workers: int = Field(default=2, ge=1, le=64, description="Worker processes of the local cluster.")
    password_memory_kib: int = Field(
        default=65536, ge=8, description="Memory that hashing a password takes, KiB (Argon2id)."
    )
    password_passes: int = Field(default=3, ge=1, description="Passes over that memory (Argon2id).")
    password_lanes: int = Field(default=4, ge=1, description="Parallel lanes of that memory (Argon2id).")
    walk_adult_m_min: float = Field(
        default=ADULT.metres_a_minute,
        gt=0,
        description="Metres an adult walks in a minute: 300 m in 5 minutes (GB 50180-2018, TD/T 1062-2021).",
    )
    walk_elder_m_min: float = Field(
        default=ELDER.metres_a_minute,
        gt=0,
        description="Metres an elder walks in a minute: 0.8 m/s (literature, medium confidence).",
    )

    @property
    def paces(self) -> dict[str, Pace]:
        """The walking paces by name, each with its source; one that was set says so."""
        named = {"adult": (self.walk_adult_m_min, ADULT), "elder": (self.walk_elder_m_min, ELDER)}
        return {
            name: usual if metres == usual.metres_a_minute else Pace(metres, f"YIWANGTU_WALK_{name.upper()}_M_MIN")
            for name, (metres, usual) in named.items()
        }


def short_hash(path: Path) -> str:
    """Make a short name from a directory: what is named after it does not clash with another checkout's."""
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:10]


def caller_is_root() -> bool:
    """Tell whether this process runs as root, as which PostgreSQL refuses to run."""
    return os.geteuid() == 0


def caller_name() -> str:
    """Name the operating-system user of this process."""
    return pwd.getpwuid(os.geteuid()).pw_name

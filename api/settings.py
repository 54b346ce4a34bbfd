"""Settings of the server: built once in `create_app`, then passed on."""

from pathlib import Path

from pydantic import Field, SecretStr

from data.settings import PROJECT, DataSettings


class Settings(DataSettings):
    """Everything that can be set. Every field is an environment variable with the prefix `YIWANGTU_`."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    web_dir: Path = Field(default=PROJECT / "web" / "dist", description="The built pages.")
    is_behind_https: bool = Field(
        default=False, description="Set where an HTTPS front ends TLS: cookies become Secure, addresses https."
    )
    session_idle_s: int = Field(
        default=8 * 3600, ge=60, description="A session ends after so many seconds without a request."
    )
    session_limit_s: int = Field(
        default=7 * 86400, ge=60, description="A session ends after so many seconds at the latest."
    )
    login_tries: int = Field(default=5, ge=1, description="Wrong passwords until an account is locked for a while.")
    login_tries_per_address: int = Field(
        default=50, ge=1, description="Wrong passwords until a client's address is locked for a while."
    )
    login_lock_s: int = Field(default=300, ge=1, description="How long such a lock lasts, seconds.")
    tile_cache_mb: int = Field(default=256, ge=0, description="Memory for ready tiles, MB.")
    tile_features: int = Field(default=10_000, ge=100, le=100_000, description="Most features of one tile.")
    body_limit_mb: int = Field(default=1, ge=1, description="Largest JSON body, MB.")
    photo_limit_mb: int = Field(default=10, ge=1, description="Largest photo, MB.")
    upload_limit_mb: int = Field(default=50, ge=1, description="Largest file of a plan or a grid layer, MB.")
    report_limit_per_address: int = Field(
        default=30, ge=1, description="Reports of residents in an hour from one network (IPv4 /24, IPv6 /56)."
    )
    report_limit_per_place: int = Field(
        default=60, ge=1, description="Reports of residents in an hour for one grid or community."
    )
    report_lock_s: int = Field(default=900, ge=1, description="How long no more are taken after that, seconds.")
    tracking_tries: int = Field(
        default=20, ge=1, description="Wrong tracking codes in an hour from one network until it has to wait as long."
    )
    contact_days: int = Field(
        default=30, ge=0, description="Days after the end of a report when its telephone number is erased."
    )
    reopen_days: int = Field(
        default=7, ge=0, description="Days after closing in which a resident may ask to reopen a report."
    )
    order_kinds: Path | None = Field(
        default=None,
        description="A CSV file of what residents may order from volunteers, and its points; else the built-in sample.",
    )
    department_names: Path | None = Field(
        default=None,
        description="A CSV file of departments' English names for residents; else that of the built-in sample.",
    )
    map_approval: str = Field(
        default="", description="The map's approval number (审图号). Without one the pages say 示意图 (schematic map)."
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^/\s]+/?)?$",
        description="Address at which residents open this server (https://…), for QR codes and links to pass on; "
        "without one that of the request.",
    )
    rating_red_count: int = Field(
        default=5, ge=1, description="三色: a place is red from so many overdue incidents on …"
    )
    rating_red_percent: int = Field(default=20, ge=0, le=100, description="… if they are so many of its open ones, %.")
    rating_yellow_count: int = Field(default=2, ge=1, description="三色: yellow from so many overdue incidents on …")
    rating_yellow_percent: int = Field(
        default=10, ge=0, le=100, description="… if they are so many of its open ones, %."
    )
    rating_valid_s: int = Field(default=900, ge=60, description="How long such a rating is shown, seconds.")
    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token for /metrics; without one only loopback may read it."
    )

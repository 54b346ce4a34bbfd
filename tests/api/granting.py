"""Tokens of other systems, made as the operator makes them."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from data.integrations import tokens
from data.integrations.tokens import Grant


def make_token(engine: Engine, name: str, system: str | None = None, area: str = "D1") -> str:
    """Make a token for a day: a system that hands over, or an app that speaks Open311."""
    grant = Grant("handover" if system else "open311", system, area, datetime.now(UTC) + timedelta(days=1))
    with engine.begin() as connection:
        return tokens.create(connection, name, label=f"{name} 系统", grant=grant)

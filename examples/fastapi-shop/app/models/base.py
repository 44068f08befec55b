"""The base class and the types that all tables share."""

import enum
from typing import Any

from sqlalchemy import JSON, Enum, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

# Migrations on SQLite can only change constraints that have names.
NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

Document = JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {dict[str, Any]: Document}


def choice(kind: type[enum.Enum], name: str) -> Enum:
    """Returns an enum type that stores the values of its members, not their names."""
    return Enum(kind, name=name, values_callable=lambda members: [member.value for member in members])

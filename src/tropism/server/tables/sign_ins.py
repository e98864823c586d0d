"""How people sign in: passwords, links that set one, identities elsewhere, and the sign-ins that last."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id, Text
from tropism.server.tables.metadata import metadata

password = Table(
    "password",
    metadata,
    Column("user_id", Id, ForeignKey("user.id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # the argon2id hash, encrypted for this user
)
password_link = Table(
    "password_link",
    metadata,
    Column("user_id", Id, ForeignKey("user.id"), primary_key=True),  # a user has one at most: the last one made
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("expires_ms", BigInteger, nullable=False),
    Column("made_by", Id),  # it counts as long as they are in charge of the user
)
sign_in = Table(
    "sign_in",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("user.id"), nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("way", Text, nullable=False),
    Column("address", Text),
    Column("agent", Text),
    Column("last_seen_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
Index("ix_sign_in_user", sign_in.c.user_id)
identity = Table(
    "identity",
    metadata,
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("user_id", Id, ForeignKey("user.id"), nullable=False),
    PrimaryKeyConstraint("issuer", "subject"),
)
Index("ix_identity_user", identity.c.user_id)
sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    Column("id", Id, primary_key=True),  # tells when
    Column("account", Text, nullable=False),  # the email that was named, whether there is such an account or not
    Column("address", Text, nullable=False),
)
Index("ix_sign_in_attempt_account", sign_in_attempt.c.account, sign_in_attempt.c.id)
Index("ix_sign_in_attempt_address", sign_in_attempt.c.address, sign_in_attempt.c.id)

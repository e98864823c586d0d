"""Look whether there is a reward server at a URL: who it is, or why it cannot be used."""

from __future__ import annotations

from tropism.egress.policy import Egress
from tropism.rewards.protocol import RewardError
from tropism.rewards.remote import Limits, RemoteReward
from tropism.wire import reward_servers as wire

QUICKLY = Limits(at_once=2, connect=5.0, answer=8.0, patience=0.0, tries=1)
"""Somebody waits for the answer."""


async def look(url: str, egress: Egress) -> wire.RewardServerReport:
    """What is found there. Whatever is wrong with it is the reason, and no error."""
    try:
        async with RemoteReward(url, egress=egress, limits=QUICKLY) as server:
            info, schema = await server.info(), await server.metadata_schema()
    except RewardError as error:
        return wire.RewardServerReport(
            url=url,
            status="OFFLINE",
            reason=str(error),
            name=None,
            version=None,
            description=None,
            metadata_schema=None,
        )
    return wire.RewardServerReport(
        url=url,
        status="ONLINE",
        reason=None,
        name=info.name,
        version=info.version,
        description=info.description,
        metadata_schema=schema,
    )

"""All tables at once: whether they can be used."""

from __future__ import annotations

from services.aws import client
from services.settings import Settings


class Tables:
    """The tables of the settings, whatever they hold."""

    def __init__(self, settings: Settings) -> None:
        self.names = settings.tables

    def status(self, name: str) -> str:
        """What DynamoDB says of the table that holds `name`: ACTIVE where all is well. One try, at most 3 s."""
        described = client("dynamodb", short_timeout=True).describe_table(
            TableName=self.names[name]
        )
        return str(described["Table"]["TableStatus"])

"""A member of the community on the deployed stack, brought to where a story begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.embedded.deployed import Answer, Deployed, Event
from tests.world import sample


@dataclass
class Member:
    """Somebody who has a server, or has not yet."""

    deployed: Deployed
    user: str

    def event(self, action: str, **fields: Any) -> Event:
        """What the member sends to ask for something."""
        return sample(action, userId=self.user, **fields)

    def asks(self, action: str, **fields: Any) -> Answer:
        """Ask for something that must succeed."""
        answer = self.deployed.call(self.event(action, **fields))
        assert answer["success"], (answer, self.deployed.log.fresh())
        return answer

    def creation(self, **fields: Any) -> Event:
        """What the member sends to get a server."""
        return self.event("create-instance", username=self.user, **fields)

    def makes(self, **fields: Any) -> None:
        """Get a server."""
        answer = self.deployed.call(self.creation(**fields))
        assert answer["success"], (answer, self.deployed.log.fresh())

    def starts(self) -> str:
        """Start the server; returns its task."""
        self.asks("start-instance")
        return self.deployed.task(self.user)

    def plays(self) -> str:
        """Start the server and see it come up; returns its task."""
        task = self.starts()
        assert self.deployed.call(self.deployed.told(task))["success"]
        return task

    def becomes(self, status: str) -> None:
        """Wait until the server is in a state."""
        self.deployed.until(self.event("status"), lambda answer: answer.get("status") == status)

    def rests(self) -> None:
        """Wait until the server is at rest and nothing is done with its files."""

        def is_at_rest(answer: Answer) -> bool:
            rests = answer.get("status") in ("created", "stopped")
            return rests and not {"work", "runId"} & self.item.keys()

        self.deployed.until(self.event("status"), is_at_rest)

    @property
    def item(self) -> dict[str, Any]:
        """What is stored of the server."""
        return self.deployed.item("InstancesTable", {"userId": {"S": self.user}})

    def is_gone(self) -> None:
        """Wait until the server and all that belongs to it are gone."""
        gone = self.deployed.until(self.event("status"), lambda answer: not answer["success"])
        assert gone["errorCode"] == "RESOURCE_NOT_FOUND", gone

    def uploads_something(self) -> None:
        """Put objects into the server's bucket, as Foundry does with a player's map, twice under one name."""
        bucket = self.asks("status")["s3BucketName"]
        for version in (b"a map", b"a better map"):
            self.deployed.aws.client("s3").put_object(Bucket=bucket, Key="map.webp", Body=version)

    def as_if(self, **attributes: str | int | None) -> None:
        """Change what is stored of the server, as if a process had died or time had passed."""
        self.deployed.as_if("InstancesTable", {"userId": {"S": self.user}}, **attributes)

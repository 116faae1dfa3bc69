"""The table of host names: each belongs to at most one instance."""

from services.dynamodb import Attr, Operation, Table, absent


class Hosts(Table):
    """Claims on host names."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "host")

    def claim(self, host: str, user_id: str, instance_id: str) -> Operation:
        """The operation that claims a host name nobody has."""
        claim = {"host": host, "userId": user_id, "instanceId": instance_id}
        return self.put(claim, absent("host"))

    def release(self, host: str, instance_id: str) -> Operation:
        """The operation that gives a host name back."""
        return self.delete(host, absent("host") | Attr("instanceId").eq(instance_id))

"""The table of host names: each belongs to at most one instance."""

from services.dynamodb import Attr, Operation, Table, absent


class Hosts(Table):
    """Claims on host names."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "host")
        self._remembered: dict[str, str] = {}

    def user_of(self, host: str) -> str | None:
        """Whose the host name is. A process remembers it; the instance says whether it still is (`forget`)."""
        if host not in self._remembered:
            claim = self.get(host)
            if claim is None:
                return None
            self._remembered[host] = str(claim["userId"])
        return self._remembered[host]

    def forget(self, host: str) -> None:
        """Read the host name anew when it is next asked for."""
        self._remembered.pop(host, None)

    def claim(self, host: str, user_id: str, instance_id: str) -> Operation:
        """The operation that claims a host name nobody has."""
        claim = {"host": host, "userId": user_id, "instanceId": instance_id}
        return self.put(claim, absent("host"))

    def release(self, host: str, instance_id: str) -> Operation:
        """The operation that gives a host name back."""
        return self.delete(host, absent("host") | Attr("instanceId").eq(instance_id))

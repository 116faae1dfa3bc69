"""Who asks in Discord, and what the guild says of them."""

from __future__ import annotations

from handler import dispatch
from handler.discord.interactions import Member
from services.platform import Platform


def is_admin(member: Member, platform: Platform) -> bool:
    """Whether the member has the role that the operator has named for administrators."""
    role = platform.discord.account().admin_role_id
    return bool(role) and role in member.roles


def caller_of(member: Member, platform: Platform) -> dispatch.Caller:
    """A member, who acts for nobody else."""
    return dispatch.Caller(user_id=member.user.id, is_admin=is_admin(member, platform))

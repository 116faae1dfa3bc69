"""Webhooks: members' URLs at which they are told what becomes of their functions."""

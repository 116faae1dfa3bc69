"""The page on which people use the played Discord: plain HTML, and JSON that it asks for at the same port.

What it shows is in `showing.py`, what people do with it in `doing.py`, who may ask in `serving.py`. Whoever is at
the page says whom they play: it is a stage, and no Discord.
"""

from local.discord.page.serving import Said, is_of_page, serve

__all__ = ["Said", "is_of_page", "serve"]

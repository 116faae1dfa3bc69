"""The page of a table on which its member's archives are uploaded, looked into and taken in (import_page.js)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from handler.http import table_pages
from handler.http.import_words import ImportWords
from handler.http.table_pages import Html, document, filled

_SCRIPT = Path(__file__).with_suffix(".js").read_text()
_STYLE = f"""{table_pages.STYLE}
section:focus{{outline:none}}
section ul{{margin:.25rem 0 .75rem;padding-left:1.25rem}}
section li{{overflow-wrap:anywhere}}
h3{{font-size:1rem;margin:.75rem 0 0}}
.ways:not([hidden]){{display:flex;flex-wrap:wrap;gap:0 .75rem}}
button.other{{background:transparent;color:var(--ink);border:1px solid var(--line)}}
progress{{width:100%;height:1.25rem;accent-color:var(--deed)}}
"""
_CONTENT = """<h1>{title}</h1>
<p><bdi>{host}</bdi></p>
<noscript><p>{no_script}</p></noscript>
<p id="now" role="status"></p>
<section id="trouble" tabindex="-1" aria-labelledby="went-wrong" hidden>
<h2 id="went-wrong">{went_wrong}</h2>
<p id="why"></p>
<div class="ways" id="ways"><button type="button" id="again">{again}</button>
<button type="button" class="other" id="choose-other">{other}</button></div>
</section>
<form id="choose" hidden>
<p>{what}</p>
<label for="file">{archive}</label>
<p class="quiet" id="hint">{kinds}</p>
<input type="file" id="file" required aria-describedby="hint">
<button type="submit">{upload}</button>
</form>
<section id="sending" hidden>
<label for="sent">{sent}</label>
<progress id="sent" max="1" value="0"></progress>
<p id="figures"></p>
<p class="quiet">{stay}</p>
</section>
<section id="looking" hidden>
<p class="quiet">{may_leave}</p>
</section>
<section id="found" tabindex="-1" aria-labelledby="brings" hidden>
<h2 id="brings">{brings}</h2>
<div id="packages"></div>
<p class="quiet">{nothing_overwritten}</p>
<div class="ways"><button type="button" id="take">{take}</button>
<button type="button" class="other" id="other">{other}</button></div>
</section>
<section id="done" tabindex="-1" aria-labelledby="taken" hidden>
<h2 id="taken">{taken}</h2>
<p>{next}</p>
</section>
"""


def import_page(words: ImportWords, host: str, uploads: str) -> tuple[str, str]:
    """The page for the table at `host`, and its policy: it connects to the host, and to where uploads go."""
    said = {name: value for name, value in asdict(words).items() if isinstance(value, str)}
    content = filled(_CONTENT, **said, host=host)
    data = filled(' data-words="{words}"', words=json.dumps(asdict(words), ensure_ascii=False))
    title = f"{words.title}: {host}"
    page = document(words.language, title, words.what, Html(content), _STYLE, _SCRIPT, data)
    return page, table_pages.policy(_SCRIPT, _STYLE, f"'self' {uploads}", "'none'")

"""What the pages of tables say, in English and in German.

A refusal is repeated in English as it was worded (actions/errors.py); German has words for each kind of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_MOST_LANGUAGES = 20  # that are looked at; browsers send a handful


@dataclass(frozen=True)
class Words:
    """A language. What is in braces is filled in."""

    language: str
    phases: Mapping[str, str]  # by Phase, "asleep" and what `status` calls what has no phase
    headings: Mapping[str, str]
    wakes: Mapping[str, str]  # by Who
    licenses: Mapping[str, str]
    refusals: Mapping[str, str] = field(default_factory=dict)  # by the kind of the refusal
    other_refusal: str = ""  # for kinds without words of their own

    next_session: str = "Next session"
    session_since: str = "A session is booked since"
    no_session: str = "No session is booked."
    took: str = "Waking it took about {} s last time."
    about: str = "about {} s more"
    soon: str = "any moment now"
    code: str = "Code of the table"
    code_hint: str = "It is in the link that its owner has sent."
    wake: str = "Wake the table"
    cannot: str = "It cannot be woken now"
    refused: str = "It was not woken"
    owner_is_told: str = "Its owner is told: “{}”"
    until: str = "As far as is known, until"
    again_in: str = "In {} minutes it may be tried again."
    donation: str = "A donation of {} USD makes room:"
    look_again: str = "Look again"
    enter: str = "Go in"
    steps: str = "How far it is"
    nothing_here: str = "There is no table here"
    nothing_here_hint: str = "Ask whoever sent you the link for the right one."
    trouble: str = "Something went wrong"
    trouble_hint: str = (
        "Try again in a minute. If it stays so, tell the operator the request id {}."
    )


ENGLISH = Words(
    language="en",
    phases={
        "asleep": "This table is asleep.",
        "stopping": "This table is just going to sleep. In a minute or two it can be woken.",
        "unknown": "This table is just being made, or taken down.",
        "restoring": "Its files are being put back from a save. That takes some minutes.",
        "machine": "A machine is being found.",
        "image": "Foundry is being fetched.",
        "foundry": "Foundry is starting.",
        "world": "The world is loading.",
        "ready": "The table is ready.",
        "setup": "Foundry is up and waits at its setup screen, where its owner opens a world.",
        "signature": "Foundry wants its licence agreement signed. Only its owner can do that.",
    },
    headings={"asleep": "Asleep", "coming-up": "Waking up", "there": "Awake"},
    wakes={
        "nobody": "Only its owner wakes it.",
        "code": "Whoever has its code can wake it.",
        "anyone": "Anyone can wake it.",
    },
    licenses={"own": "Its licence is free.", "pool": "A shared licence is free."},
)

GERMAN = Words(
    language="de",
    phases={
        "asleep": "Dieser Tisch schläft.",
        "stopping": "Dieser Tisch legt sich gerade schlafen. In ein, zwei Minuten lässt er sich wecken.",
        "unknown": "Dieser Tisch wird gerade eingerichtet oder abgebaut.",
        "restoring": "Seine Dateien werden aus einer Sicherung zurückgeholt. Das dauert einige Minuten.",
        "machine": "Eine Maschine wird gesucht.",
        "image": "Foundry wird geholt.",
        "foundry": "Foundry startet.",
        "world": "Die Welt wird geladen.",
        "ready": "Der Tisch ist bereit.",
        "setup": "Foundry läuft und wartet auf der Einrichtungsseite, wo sein Besitzer eine Welt öffnet.",
        "signature": "Foundry will, dass der Lizenzvertrag unterschrieben wird. Das kann nur sein Besitzer.",
    },
    headings={"asleep": "Schläft", "coming-up": "Wacht auf", "there": "Wach"},
    wakes={
        "nobody": "Nur sein Besitzer weckt ihn.",
        "code": "Wer seinen Code hat, kann ihn wecken.",
        "anyone": "Jeder kann ihn wecken.",
    },
    licenses={"own": "Seine Lizenz ist frei.", "pool": "Eine geteilte Lizenz ist frei."},
    refusals={
        "UnderMaintenance": "Die Plattform wird gewartet; gerade startet kein Server.",
        "FilesBusy": "Seine Dateien werden gerade aus einer Sicherung zurückgeholt. Danach startet er wieder.",
        "BudgetSpent": "Was dieser Monat kosten darf, ist verbraucht.",
        "LicenseTaken": "Gerade ist keine Lizenz für ihn frei.",
        "UsedUp": "Öfter darf er an einem Tag nicht gestartet werden.",
        "NoCapacity": "Gerade ist keine Maschine zu haben. Nichts läuft, und nichts kostet.",
        "Busy": "An dem Server wird gerade gearbeitet. In einer Minute geht es wieder.",
        "WrongState": "In seinem jetzigen Zustand lässt er sich nicht starten.",
        "Contended": "Zu viele wollen gerade dasselbe. Nichts wurde geändert.",
        "ChangedMeanwhile": "Jemand hat gerade im selben Moment etwas geändert. Versuche es noch einmal.",
        "NotForVisitors": "Nur sein Besitzer weckt diesen Tisch.",
        "WrongCode": "Das ist nicht der Code dieses Tisches.",
        "StalePage": "Die Seite war zu alt, um den Tisch zu wecken. Hier ist eine neue.",
        "FromElsewhere": "Wecken lässt er sich nur von seiner eigenen Seite.",
        "TooManyWakes": "Das wurde zu oft versucht.",
        "InvalidRequest": "Das Formular war nicht vollständig.",
        "TimedOut": "Die Antwort kam nicht rechtzeitig. Versuche es in einer Minute wieder.",
    },
    other_refusal="Das geht gerade nicht:",
    next_session="Nächste Sitzung",
    session_since="Eine Sitzung ist gebucht seit",
    no_session="Keine Sitzung ist gebucht.",
    took="Zuletzt dauerte das Wecken etwa {} s.",
    about="noch etwa {} s",
    soon="jeden Augenblick",
    code="Code des Tisches",
    code_hint="Er steht in dem Link, den sein Besitzer verschickt hat.",
    wake="Tisch wecken",
    cannot="Gerade lässt er sich nicht wecken",
    refused="Er wurde nicht geweckt",
    owner_is_told="Sein Besitzer liest: „{}“",
    until="Soweit bekannt, bis",
    again_in="In {} Minuten geht es wieder.",
    donation="Eine Spende von {} USD schafft Platz:",
    look_again="Noch einmal nachsehen",
    enter="Hinein",
    steps="Wie weit er ist",
    nothing_here="Hier ist kein Tisch",
    nothing_here_hint="Frage, wer dir den Link geschickt hat, nach dem richtigen.",
    trouble="Etwas ist schiefgegangen",
    trouble_hint=(
        "Versuche es in einer Minute wieder. Bleibt es so, sage dem Betreiber die Nummer {}."
    ),
)

LANGUAGES = {words.language: words for words in (ENGLISH, GERMAN)}


def words_for(accepted: str) -> Words:
    """The language that a browser's Accept-Language likes best of those there are, else English."""
    best, liked = ENGLISH, 0.0
    for part in accepted[:1000].split(",")[:_MOST_LANGUAGES]:
        named, _, weight = part.replace(" ", "").lower().partition(";q=")
        words = LANGUAGES.get(named.partition("-")[0])
        wanted = _weight(weight)
        if words is not None and wanted > liked:
            best, liked = words, wanted
    return best


def _weight(text: str) -> float:
    """How much a language is liked; 1 unless it says so, 0 where it says what is no weight."""
    return float(text or 1) if re.fullmatch(r"[01](\.[0-9]{0,3})?|", text) else 0.0

"""What the page of imports says, in English and in German. What is in braces is filled in by its script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ImportWords:
    """A language."""

    language: str
    title: str
    what: str
    archive: str
    kinds: str
    upload: str
    no_script: str
    no_ticket: str
    empty: str
    asking: str
    sending: str
    sent: str
    figures: str
    stay: str
    goes_on: str
    stuck: str
    looking: str
    may_leave: str
    brings: str
    types: Mapping[str, str]  # by a package's type
    no_packages: str
    renamed: str
    kept: str
    missing: str
    needed_by: str
    unfit: str
    why: Mapping[str, str]  # by Why (actions/instances/fitness.py)
    files: str
    loose: str
    renamed_files: str
    assets: str
    nothing_overwritten: str
    take: str
    other: str
    taking: str
    taken: str
    next: str
    refused: str
    gone: str
    went_wrong: str
    again: str
    no_answer: str
    trouble: str
    other_refusal: str
    refusals: Mapping[str, str]  # by the kind of the refusal; of those without, their own words


ENGLISH = ImportWords(
    language="en",
    title="Import",
    what=(
        "A world, a system, a module or a whole server comes in as one archive: of Foundry's folder Data, of what "
        "is in it, or as an export of this platform made it. You see what is in it before anything is changed."
    ),
    archive="Archive",
    kinds="A zip, tar, tar.gz, tar.bz2 or tar.xz, of 15 GB at most.",
    upload="Upload",
    no_script="This page uploads by its script; let it run, or import as docs/saves.md says.",
    no_ticket="The address lacks what comes after its “#”: open the whole link, or ask for a new one.",
    empty="This file is empty. Choose another one.",
    asking="One moment …",
    sending="It is being uploaded.",
    sent="Uploaded so far",
    figures="{0} of {1} MB",
    stay="Keep this page open. If it is closed, open the link again and choose the same file: it goes on.",
    goes_on="The connection was lost; it goes on in a moment.",
    stuck="The upload does not get through. Try again: what has come is kept for seven days.",
    looking="It is being looked into. That takes some minutes, and the server does not start meanwhile.",
    may_leave="You may close this page. To see what was found, open the link again and choose the same file.",
    brings="What is in it",
    types={"world": "Worlds", "system": "Systems", "module": "Modules"},
    no_packages="There is no world, system or module in it.",
    renamed="comes as {0}, since its name is taken",
    kept="stays as it is: you have {0}",
    missing="What is needed and not there",
    needed_by="needed by {0}",
    unfit="What may not work with your version of Foundry",
    why={
        "too-old": "made for older versions only",
        "too-new": "made for a newer version",
        "untested": "not tried with it by its authors",
    },
    files="{0} files in all, {1} MB",
    loose="{0} of them lie beside worlds, systems and modules",
    renamed_files="{0} of those come under another name, since others are there",
    assets="{0} of them are maps, pictures and sounds for your bucket",
    nothing_overwritten="Nothing that is there is overwritten. Your server is saved first.",
    take="Take it in",
    other="Choose another file",
    taking="One moment …",
    taken="It is being taken in",
    next=(
        "Your server is saved first, then what was found is put beside what is there; until then it does not "
        "start. You are told when it is done, and /server status (the action status) says how far it is."
    ),
    refused="It was not let in: {0} Nothing was changed; choose another file.",
    gone="What was uploaded is not waiting any more: it was taken in or given up. Choose a file to begin anew.",
    went_wrong="That did not work",
    again="Try again",
    no_answer="There is no answer. Look whether you are online.",
    trouble="Something went wrong. Try again in a minute; if it stays so, tell the operator the request id {0}.",
    other_refusal="",
    refusals={"InvalidRequest": "An archive has 15 GB at most. Make several of it."},
)

GERMAN = ImportWords(
    language="de",
    title="Importieren",
    what=(
        "Eine Welt, ein System, ein Modul oder ein ganzer Server kommt als ein Archiv herein: von Foundrys Ordner "
        "Data, von etwas daraus, oder so, wie diese Plattform exportiert. Du siehst, was darin ist, bevor sich "
        "etwas ändert."
    ),
    archive="Archiv",
    kinds="Zip, tar, tar.gz, tar.bz2 oder tar.xz, höchstens 15 GB.",
    upload="Hochladen",
    no_script="Diese Seite lädt mit ihrem Skript hoch; lass es zu, oder importiere so, wie docs/saves.md sagt.",
    no_ticket="In der Adresse fehlt, was hinter dem „#“ steht. Öffne den ganzen Link, oder hol dir einen neuen.",
    empty="Diese Datei ist leer. Wähle eine andere.",
    asking="Einen Moment …",
    sending="Es wird hochgeladen.",
    sent="Bisher hochgeladen",
    figures="{0} von {1} MB",
    stay="Lass diese Seite offen. Ist sie zu, öffne den Link wieder und wähle dieselbe Datei: es geht weiter.",
    goes_on="Die Verbindung ist abgerissen; gleich geht es weiter.",
    stuck="Das Hochladen kommt nicht durch. Versuche es noch einmal: was angekommen ist, bleibt sieben Tage.",
    looking="Es wird hineingesehen. Das dauert einige Minuten; solange startet der Server nicht.",
    may_leave=(
        "Du kannst die Seite schließen. Um zu sehen, was darin ist, öffne den Link wieder und wähle dieselbe Datei."
    ),
    brings="Was darin ist",
    types={"world": "Welten", "system": "Systeme", "module": "Module"},
    no_packages="Darin ist keine Welt, kein System und kein Modul.",
    renamed="kommt als {0}, weil der Name vergeben ist",
    kept="bleibt, wie es ist: du hast {0}",
    missing="Was gebraucht wird und nicht da ist",
    needed_by="gebraucht von {0}",
    unfit="Was mit deiner Version von Foundry vielleicht nicht geht",
    why={
        "too-old": "nur für ältere Versionen gemacht",
        "too-new": "für eine neuere Version gemacht",
        "untested": "von seinen Autoren nicht damit erprobt",
    },
    files="{0} Dateien im Ganzen, {1} MB",
    loose="{0} davon liegen neben Welten, Systemen und Modulen",
    renamed_files="{0} von diesen kommen unter anderem Namen, weil schon andere da sind",
    assets="{0} davon sind Karten, Bilder und Klänge für deinen Bucket",
    nothing_overwritten="Nichts, was da ist, wird überschrieben. Dein Server wird vorher gesichert.",
    take="Übernehmen",
    other="Andere Datei wählen",
    taking="Einen Moment …",
    taken="Es wird übernommen",
    next=(
        "Erst wird dein Server gesichert, dann kommt das Gefundene neben das, was da ist; solange startet er "
        "nicht. Du erfährst, wenn es fertig ist, und /server status (die Aktion status) sagt, wie weit es ist."
    ),
    refused="Es wurde nicht angenommen: {0} Geändert hat sich nichts; wähle eine andere Datei.",
    gone=(
        "Was hochgeladen war, wartet nicht mehr: es ist übernommen oder aufgegeben. Wähle eine Datei, um neu "
        "anzufangen."
    ),
    went_wrong="Das ging nicht",
    again="Noch einmal versuchen",
    no_answer="Es kommt keine Antwort. Sieh nach, ob du online bist.",
    trouble=(
        "Etwas ist schiefgegangen. Versuche es in einer Minute wieder; bleibt es so, sage dem Betreiber die "
        "Nummer {0}."
    ),
    other_refusal="Das geht gerade nicht:",
    refusals={
        "BadTicket": "Mit diesem Link kannst du hier nicht oder nicht mehr importieren. "
        "Lass dir mit /saves import in Discord (oder import-link) einen neuen geben.",
        "InvalidRequest": "Ein Archiv hat höchstens 15 GB. Mache mehrere daraus.",
        "FromElsewhere": "Importieren lässt sich nur von der eigenen Seite des Tisches.",
        "InstanceNotFound": "Diesen Server gibt es nicht mehr.",
        "ImportNotFound": "Was hochgeladen war, ist nicht mehr da. Wähle die Datei noch einmal.",
        "WrongState": "Der Server muss ruhen. Stoppe ihn und versuche es dann noch einmal.",
        "Busy": "An dem Server wird gerade gearbeitet. In einer Minute geht es wieder.",
        "Contended": "Zu viele wollen gerade dasselbe. Nichts wurde geändert.",
        "ChangedMeanwhile": "Jemand hat gerade im selben Moment etwas geändert. Versuche es noch einmal.",
        "UsedUp": "So oft geht das an einem Tag nicht. Nach Mitternacht (UTC) geht es wieder.",
        "TimedOut": "Die Antwort kam nicht rechtzeitig. Versuche es in einer Minute wieder.",
    },
)

WORDS = {words.language: words for words in (ENGLISH, GERMAN)}

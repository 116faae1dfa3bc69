"""What saves a member's files and puts them back, in a task of its own, never while their server runs.

A package that imports nothing of the platform's: the task definition carries it (file_definition.py), as it carries
container.sh for servers. restic keeps the saves, in one repository per server; rclone moves what is in buckets. A
save is two snapshots of one run, of the server's directory and of its asset bucket. It counts once
`results/<repository>/<run>.json` names them; what no result names is forgotten by the next save.

What is put back is first laid out beside what is there and verified. Then a journal is written, from which on the
same order can only go forward; before it, nothing has changed. So is what comes out of an archive that a member has
uploaded, but nothing goes for it.
"""

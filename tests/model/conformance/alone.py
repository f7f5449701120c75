"""Records as live peers write them, made of the record of a simulated run: each life of a peer has
a file, with what that peer alone could know.
"""
import json
import os

from .run import SIMULATED


def split(events, folder):
    """The files."""
    files = {}
    for event in events:
        if event["event"] in SIMULATED:
            continue
        told = dict(event)
        name = os.path.join(folder, told.pop("peer"))
        files.setdefault(name, []).append(json.dumps(told, separators=(",", ":")) + "\n")
    for name, lines in files.items():
        with open(name, "w", encoding="utf-8") as file:
            file.writelines(lines)
    return list(files)

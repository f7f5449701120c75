"""Edits that make a record malformed: see edits.py."""

KINDS = [
    ("form", "an event that the model does not know",
     lambda events: [dict(events[0], event="miracle"), *events]),
    ("form", "an event without one of its members",
     lambda events: [{k: v for k, v in events[0].items() if k != "place"}, *events[1:]]),
    ("form", "an event with a member that it does not have",
     lambda events: [dict(events[0], mood="bad"), *events[1:]]),
    ("form", "a place that is no place",
     lambda events: [dict(events[0], place="somewhere"), *events[1:]]),
    ("form", "a time before that of the event before",
     lambda events: [*events[:-1], dict(events[-1], at=0)]),
    ("form", "an event of a server that was never founded",
     lambda events: [events[0], dict(events[1], event="crash", server="nobody"), *events[1:]]),
    ("form", "a run that was cut off", lambda events: events[:-1]),
    ("form", "an event behind the end of a run", lambda events: [*events, events[-1]]),
]

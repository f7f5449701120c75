"""A page whose users find their own notes on a replica: web.py PRIMARY REPLICA PORT."""
import atexit, contextlib, http.cookies, json, signal, subprocess, sys, wsgiref.simple_server
import psycopg2

SERVERS = {"primary": sys.argv[1], "replica": sys.argv[2]}
PEER = subprocess.Popen(["tidegate", "peer", "--no-subscribe", "--primary", sys.argv[1],
                         "--database", sys.argv[2]], stdin=-1, stdout=-1, text=True, bufsize=1)
atexit.register(PEER.communicate)  # the end of its input lets the peer leave politely
signal.signal(signal.SIGTERM, lambda *_: sys.exit())

def ask(**line):  # JSON lines (docs/json.md), one question at a time, as this server serves
    with contextlib.suppress(OSError):  # the peer has gone: no answer, and the primary is read
        print(json.dumps({**line, "id": "web"}), file=PEER.stdin)
    answers = (answer for answer in map(json.loads, PEER.stdout)
               if answer.get("id") == "web" or answer["type"] == "error")
    return next(answers, {})

def query(server, sql, *values):
    with contextlib.closing(psycopg2.connect(SERVERS[server])) as base, base as transaction:
        with transaction.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

def page(request, respond):
    seen = http.cookies.SimpleCookie(request.get("HTTP_COOKIE", "")).get("seen")
    token = seen.value if seen else ""
    if request["REQUEST_METHOD"] == "POST":
        note = request["wsgi.input"].read(int(request["CONTENT_LENGTH"])).decode()
        query("primary", "INSERT INTO notes (note) VALUES (%s)", note)
        # Announces what is committed now, and brings its position for the user's next request.
        text, token = "noted\n", ask(topic="notes", depends="commit").get("token") or "unknown"
    else:
        shown = ask(wait=token, timeout_ms=20).get("covered") if token else "visible"
        server = "replica" if shown in ("visible", "orphaned") else "primary"
        text = "a failover has undone your note\n" if shown == "orphaned" else ""
        text += f"{server}: {query(server, 'SELECT note FROM notes')}\n"
    respond("200 OK", [("Set-Cookie", f"seen={token}; HttpOnly; SameSite=Lax")])
    return [text.encode()]

wsgiref.simple_server.make_server("127.0.0.1", int(sys.argv[3]), page).serve_forever()

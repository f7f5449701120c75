"""Sends one request and prints the cookie that comes back, and the text: URL COOKIE [BODY]."""

import sys
import urllib.request

url, cookie = sys.argv[1:3]
body = sys.argv[3].encode() if len(sys.argv) > 3 else None
request = urllib.request.Request(url, body, {"Cookie": cookie} if cookie else {})
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(request, timeout=20) as answer:
    print((answer.headers["Set-Cookie"] or "").split(";")[0])
    print(answer.read().decode(), end="")

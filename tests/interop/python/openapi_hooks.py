"""What Schemathesis is told about ayb: credentials, and values that lead further than noise does.

Everything here is drawn from one seed, so that a run can be repeated.
"""

import atexit
import json
import os
from collections import Counter, defaultdict
from random import Random
from urllib.parse import unquote

import schemathesis

TOKENS = json.loads(os.environ["AYB_API_TOKENS"])
# What ends a credential is asked for with one that is dead already.
ENDINGS = {
    ("DELETE", "/api/admin/auth"),
    ("PUT", "/api/admin/password"),
    ("POST", "/api/auth/logout"),
    ("DELETE", "/api/auth/me"),
}
COLUMNS = ["id", "title", "name", "pages", "author_id.name", "doc.n", "owner_id", "born", "tags", "`a,b`", "nope"]
OPERATORS = ["=", "!=", "<", ">=", "like", "ilike", "in", "not in", "is null", "and", "or", "not", "(", ")", ","]
LITERALS = ["1", "-2.5e3", "1e400", "99999999999999999999", "'a'", "'%'", "''''", "'2026-02-30'", "true", "null"]
NAMES = ["id", "-title", "pages,-id", "author_id", "author_id.name", "doc", "nope", "id,id", "`a,b`", "", ","]

random = Random(1)
answers = Counter()
# Rows that have been seen, by the path of their table or list; cursors that have been given out.
known = defaultdict(list)
cursors = []


def some_filter():
    """A filter that is right now and then, or nearly."""
    shape = random.randrange(4)
    if shape == 0:
        words = random.choices(COLUMNS + OPERATORS + LITERALS, k=random.randint(1, 9))
        return " ".join(words)
    if shape == 1:
        depth = random.choice([3, 31, 33, 400])
        return "(" * depth + "id=1" + ")" * depth
    return f"{random.choice(COLUMNS)} {random.choice(OPERATORS[:6])} {random.choice(LITERALS)}"


def some_cursor():
    """A cursor as it was given out, or with one character changed."""
    cursor = random.choice(cursors)
    place = random.randrange(len(cursor))
    return random.choice([cursor, cursor[:place] + random.choice("Az_") + cursor[place + 1 :], cursor[:place]])


HINTS = {
    "filter": some_filter,
    "sort": lambda: random.choice(NAMES),
    "fields": lambda: random.choice(NAMES),
    "expand": lambda: random.choice(NAMES),
    "cursor": lambda: some_cursor() if cursors else "",
}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Adds a credential, and replaces every other value that we know something better for."""
    path = case.operation.path
    kind = "admin" if path.startswith("/api/admin") else "user"
    token = "dead" if (case.method.upper(), path) in ENDINGS else TOKENS[kind]
    case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
    for name, hint in HINTS.items():
        if name in (case.query or {}) and random.random() < 0.5:
            case.query[name] = hint()
    for name in case.path_parameters or {}:
        rows = known[path.partition("/{")[0]]
        if rows and random.random() < 0.5:
            case.path_parameters[name] = random.choice(rows)


@schemathesis.hook
def after_call(context, case, response):
    """Counts, and remembers what later requests may ask for."""
    answers[response.status_code] += 1
    try:
        body = json.loads(response.content)
    except ValueError:
        return
    if not isinstance(body, dict) or response.status_code >= 300:
        return
    cursors.extend(filter(None, [body.get("nextCursor")]))
    place = case.operation.path.partition("/{")[0]
    location = response.headers.get("location", [""])[0]
    if location.startswith(place):
        known[place].append(unquote(location.rpartition("/")[2]))
    for row in [body, *(body.get("items") or [])]:
        if isinstance(row, dict) and isinstance(row.get("id"), (int, str)) and row["id"] not in TOKENS["spared"]:
            known[place].append(row["id"])


@atexit.register
def tell():
    print("answers", json.dumps({str(status): count for status, count in sorted(answers.items())}))

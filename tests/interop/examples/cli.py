"""A program for the command line that signs a person in at ayb, with nothing but requests."""

import base64
import hashlib
import os
import secrets
import sys
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

ISSUER = os.environ["ISSUER"]
CLIENT_ID = os.environ["CLIENT_ID"]
TIMEOUT = 10


class Listener(HTTPServer):
    """Waits on a free port of this machine for the browser to come back."""

    answer = None

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Visit)
        self.redirect_uri = f"http://127.0.0.1:{self.server_port}/callback"

    def wait(self):
        """What the browser brings. It may ask for other things first, such as an icon."""
        while self.answer is None:
            self.handle_request()
        return self.answer


class Visit(BaseHTTPRequestHandler):
    def do_GET(self):
        address = urlsplit(self.path)
        if address.path != "/callback":
            return self.send_error(404)
        self.server.answer = dict(parse_qsl(address.query))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Go back to the terminal.")

    def log_message(self, *_):
        """Prints nothing: the address holds the code."""


def sign_in(provider):
    """The tokens of whoever signs in, after the browser was there."""
    listener = Listener()
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    request = {
        "client_id": CLIENT_ID,
        "redirect_uri": listener.redirect_uri,
        "response_type": "code",
        "scope": "openid profile email",
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    address = f"{provider['authorization_endpoint']}?{urlencode(request)}"
    print(f"Open {address}", flush=True)
    webbrowser.open(address)
    answer = listener.wait()
    # Another page can lead the browser here too: state is against forged answers, iss against mix-up (RFC 9207).
    if answer.get("state") != state or answer.get("iss") != ISSUER:
        sys.exit("the answer is not the one to this request")
    if "code" not in answer:
        sys.exit(f"the sign-in failed: {answer.get('error')}")
    exchange = {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "code": answer["code"],
        "redirect_uri": listener.redirect_uri,
        "code_verifier": verifier,
    }
    tokens = requests.post(provider["token_endpoint"], data=exchange, timeout=TIMEOUT)
    tokens.raise_for_status()
    return tokens.json()


def main():
    found = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=TIMEOUT)
    found.raise_for_status()
    provider = found.json()
    tokens = sign_in(provider)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = requests.get(provider["userinfo_endpoint"], headers=bearer, timeout=TIMEOUT)
    answer.raise_for_status()
    person = answer.json()
    print(f"signed in as {person['name']} <{person['email']}>")


main()

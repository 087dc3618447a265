"""An API in FastAPI that takes JWT access tokens of ayb and verifies them itself, with Authlib."""

import os
from typing import Annotated

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
import httpx2
from joserfc.jwk import KeySet

ISSUER = os.environ["ISSUER"]
AUDIENCE = os.environ["AUDIENCE"]

# The words of ayb in their order: each allows what the words before it allow.
WORDS = ["readonly", "readwrite", "*"]


class Validator(JWTBearerTokenValidator):
    """Knows the issuer's keys, and asks for them again when a token has another one."""

    keys = None

    def get_jwks(self):
        if self.keys is None:
            self.keys = KeySet.import_key_set(httpx2.get(f"{self.issuer}/jwks.json").json())
        return self.keys

    def accept(self, text, scope):
        """The claims of a token that is for this API and allows at least this word."""
        try:
            token = self.authenticate_token(text)
        except InvalidTokenError:
            self.keys = None
            token = self.authenticate_token(text)
        # One word of the list is enough.
        self.validate_token(token, WORDS[WORDS.index(scope) :], None)
        return token


validator = Validator(ISSUER, AUDIENCE)


def needs(scope):
    """Lets a request pass whose token allows at least this word."""

    def check(given: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]):
        try:
            return validator.accept(given.credentials, scope)
        except OAuth2Error as error:
            challenge = {"WWW-Authenticate": f'Bearer error="{error.error}"'}
            raise HTTPException(error.status_code, error.error, challenge) from error

    return check


app = FastAPI()


@app.get("/orders")
def orders(token: Annotated[dict, Depends(needs("readonly"))]):
    return {"client": token["client_id"]}


@app.post("/orders", status_code=201)
def order(_token: Annotated[dict, Depends(needs("readwrite"))]):
    return {}


@app.get("/alive")
def alive():
    return {}

"""FastAPI with Authlib: people sign in at ayb."""

import os

from authlib.integrations.starlette_client import OAuth, OAuthError
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse
from joserfc.errors import JoseError
from starlette.middleware.sessions import SessionMiddleware

ISSUER = os.environ["ISSUER"]
SITE = os.environ["SITE"]

app = FastAPI()
app.add_middleware(
    SessionMiddleware,
    secret_key=os.environ["SESSION_SECRET"],
    https_only=SITE.startswith("https:"),
)

oauth = OAuth()
oauth.register(
    "ayb",
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    client_kwargs={
        "scope": "openid profile email",
        # ayb refuses requests without PKCE.
        "code_challenge_method": "S256",
    },
)


@app.get("/login")
async def login(request: Request):
    return await oauth.ayb.authorize_redirect(request, f"{SITE}/callback")


@app.get("/callback")
async def callback(request: Request):
    # Authlib checks state, PKCE and the ID token, and leaves this to the application: an answer is of the provider
    # that was asked, or it is none (RFC 9207).
    if request.query_params.get("iss") != ISSUER:
        return PlainTextResponse("the answer is of another provider", 400)
    try:
        tokens = await oauth.ayb.authorize_access_token(request)
    except (OAuthError, JoseError) as error:
        return PlainTextResponse(f"the sign-in failed: {error.error}", 400)
    person = tokens["userinfo"]
    request.session["person"] = {"name": person["name"], "email": person["email"]}
    request.session["id_token"] = tokens["id_token"]
    return RedirectResponse("/")


@app.get("/logout")
async def logout(request: Request):
    id_token = request.session.pop("id_token", None)
    request.session.clear()
    return await oauth.ayb.logout_redirect(request, f"{SITE}/bye", id_token)


@app.get("/bye")
async def bye(request: Request):
    await oauth.ayb.validate_logout_response(request)
    return RedirectResponse("/")


@app.get("/", response_class=PlainTextResponse)
async def home(request: Request):
    person = request.session.get("person")
    return f"signed in as {person['name']} <{person['email']}>" if person else "signed out"

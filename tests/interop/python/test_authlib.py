"""Authlib, with its Starlette integration as applications use it, against the running server."""

import unittest
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.integrations.base_client import MismatchingStateError, OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.starlette_client import OAuth
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.requests import Request

from desk import ISSUERS, ask, main

CALLBACK = "http://localhost:9/callback"
BYE = "http://localhost:9/bye"
SCOPE = "openid profile email offline_access readonly"
METHODS = {"client_secret_basic": "confidential", "client_secret_post": "confidential", "none": "public"}
ALGORITHMS = ["RS256", "ES256", "EdDSA"]


class RelyingParty:
    """A registered client and Authlib's view of it."""

    def __init__(self, issuer=ISSUERS["plain"], method="client_secret_basic", alg="RS256", scope=SCOPE, **settings):
        self.issuer = issuer
        self.registered = ask(
            "client",
            issuer=issuer,
            type=METHODS[method],
            redirectUris=[CALLBACK],
            postLogoutRedirectUris=[BYE],
            signingAlg=alg,
            **settings,
        )
        self.app = OAuth().register(
            "ayb",
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_id=self.registered["id"],
            client_secret=self.registered.get("secret"),
            client_kwargs={
                "scope": scope,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": method,
                "revocation_endpoint_auth_method": method,
            },
        )
        self.method = method
        self.session = {}

    def request(self, query=""):
        """A request of this party's visitor, whose session is kept."""
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "session": self.session}
        return Request({**scope, "query_string": query.encode()})

    async def begin(self, **more):
        """The address that the visitor is sent to."""
        return (await self.app.authorize_redirect(self.request(), CALLBACK, **more)).headers["location"]

    async def finish(self, arrived):
        """The tokens, after Authlib has checked what the visitor brought back."""
        return await self.app.authorize_access_token(self.request(urlsplit(arrived).query))

    async def sign_in(self, who="ada", **more):
        """A whole sign-in."""
        address = await self.begin(**more)
        return await self.finish(ask("approve", address=address, redirectUri=CALLBACK, who=who))

    async def client(self):
        """The plain OAuth client, for what comes after a sign-in."""
        metadata = await self.app.load_server_metadata()
        return OAuth2Client(
            self.registered["id"],
            self.registered.get("secret"),
            token_endpoint_auth_method=self.method,
            revocation_endpoint_auth_method=self.method,
            **{name: metadata[name] for name in ("token_endpoint", "revocation_endpoint")},
        )


class Api(JWTBearerTokenValidator):
    """An API that knows nothing but the issuer's published keys."""

    def get_jwks(self):
        metadata = httpx2.get(f"{self.issuer}/.well-known/openid-configuration").json()
        return KeySet.import_key_set(httpx2.get(metadata["jwks_uri"]).json())

    def accepts(self, token, scopes):
        """The claims of a token; an error if it does not fit."""
        claims = self.authenticate_token(token)
        self.validate_token(claims, scopes, None)
        return claims


class Authlib(unittest.IsolatedAsyncioTestCase):
    """What works."""

    async def test_discovery_names_issuer_and_endpoints(self):
        metadata = await RelyingParty().app.load_server_metadata()
        issuer = ISSUERS["plain"]
        self.assertEqual(metadata["issuer"], issuer)
        self.assertEqual(metadata["token_endpoint"], f"{issuer}/oauth/token")
        self.assertEqual(metadata["jwks_uri"], f"{issuer}/jwks.json")

    async def test_sign_in_with_every_method_algorithm_and_token_format(self):
        for method in METHODS:
            for alg in ALGORITHMS:
                for token_format in ("opaque", "jwt"):
                    with self.subTest(method=method, alg=alg, token_format=token_format):
                        party = RelyingParty(method=method, alg=alg, tokenFormat=token_format)
                        tokens = await party.sign_in()
                        claims = tokens["userinfo"]
                        self.assertEqual(claims["iss"], party.issuer)
                        self.assertEqual(claims["aud"], party.registered["id"])
                        self.assertEqual(claims["email"], "ada@example.com")

    async def test_userinfo(self):
        party = RelyingParty()
        tokens = await party.sign_in()
        person = await party.app.userinfo(token=tokens)
        self.assertEqual(person["sub"], tokens["userinfo"]["sub"])
        self.assertEqual((person["name"], person["email"]), ("Ada Lovelace", "ada@example.com"))

    async def test_refresh_rotates_and_the_old_token_is_refused(self):
        for method in METHODS:
            with self.subTest(method=method):
                party = RelyingParty(method=method)
                first = await party.sign_in()
                with await party.client() as client:
                    second = client.refresh_token(refresh_token=first["refresh_token"])
                    self.assertNotEqual(second["refresh_token"], first["refresh_token"])
                    for dead in (first, second):
                        with self.assertRaises(OAuthError) as refused:
                            client.refresh_token(refresh_token=dead["refresh_token"])
                        self.assertEqual(refused.exception.error, "invalid_grant")
                self.assertEqual((await self.userinfo(party, second)).status_code, 401)

    async def test_revocation(self):
        for method in METHODS:
            for kind in ("access_token", "refresh_token"):
                with self.subTest(method=method, kind=kind):
                    party = RelyingParty(method=method)
                    tokens = await party.sign_in()
                    with await party.client() as client:
                        url = client.metadata["revocation_endpoint"]
                        answer = client.revoke_token(url, token=tokens[kind], token_type_hint=kind)
                    self.assertEqual(answer.status_code, 200)
                    self.assertEqual((await self.userinfo(party, tokens)).status_code, 401)

    async def test_logout(self):
        party = RelyingParty()
        tokens = await party.sign_in()
        answer = await party.app.logout_redirect(party.request(), BYE, tokens["id_token"])
        arrived = ask("approve", address=answer.headers["location"], redirectUri=BYE, who="stranger")
        kept = await party.app.validate_logout_response(party.request(urlsplit(arrived).query))
        self.assertEqual(kept["post_logout_redirect_uri"], BYE)

    async def test_client_credentials(self):
        for method in ("client_secret_basic", "client_secret_post"):
            for token_format in ("opaque", "jwt"):
                with self.subTest(method=method, token_format=token_format):
                    party = RelyingParty(method=method, tokenFormat=token_format, scopes=["readonly"])
                    with await party.client() as client:
                        token = client.fetch_token(grant_type="client_credentials", scope="readonly")
                    self.assertEqual(token["scope"], "readonly")
                    self.assertNotIn("refresh_token", token)

    async def test_jwt_access_token_verifies_offline(self):
        # Authlib's validator takes no EdDSA: "Algorithm of 'EdDSA' is not recommended".
        for alg in ("RS256", "ES256"):
            with self.subTest(alg=alg):
                audience = "https://api.example.com"
                party = RelyingParty(alg=alg, tokenFormat="jwt", audience=audience)
                tokens = await party.sign_in()
                claims = Api(party.issuer, audience).accepts(tokens["access_token"], ["readonly"])
                self.assertEqual(claims["sub"], tokens["userinfo"]["sub"])
                self.assertEqual(claims["client_id"], party.registered["id"])

    async def test_jwt_access_token_of_elsewhere_is_refused_offline(self):
        audience = "https://api.example.com"
        party = RelyingParty(tokenFormat="jwt", audience=audience)
        tokens = await party.sign_in()
        head, claims, signature = tokens["access_token"].split(".")
        cases = [
            (Api(party.issuer, "https://other.example.com"), tokens["access_token"]),
            (Api(party.issuer, audience), f"{head}.{claims}.{signature[::-1]}"),
            (Api(party.issuer, audience), tokens["id_token"]),
        ]
        for api, token in cases:
            with self.subTest(token=token), self.assertRaises(InvalidTokenError):
                api.accepts(token, [])

    async def userinfo(self, party, tokens):
        metadata = await party.app.load_server_metadata()
        return await party.app.get(metadata["userinfo_endpoint"], token=tokens)


class Refusals(unittest.IsolatedAsyncioTestCase):
    """What the server refuses, in words that Authlib understands."""

    async def test_denied_consent_is_access_denied(self):
        with self.assertRaises(OAuthError) as refused:
            await RelyingParty().sign_in(who="denying")
        self.assertEqual(refused.exception.error, "access_denied")

    async def test_nobody_signed_in_is_login_required(self):
        with self.assertRaises(OAuthError) as refused:
            await RelyingParty().sign_in(who="stranger", prompt="none")
        self.assertEqual(refused.exception.error, "login_required")

    async def test_unregistered_scope_is_invalid_scope(self):
        party = RelyingParty(scopes=["openid"], scope="openid readwrite")
        with self.assertRaises(OAuthError) as refused:
            await party.sign_in()
        self.assertEqual(refused.exception.error, "invalid_scope")

    async def test_wrong_secret_is_invalid_client(self):
        for method in ("client_secret_basic", "client_secret_post"):
            with self.subTest(method=method):
                party = RelyingParty(method=method)
                party.registered["secret"] = "ayb_cs_wrong"
                with await party.client() as client, self.assertRaises(OAuthError) as refused:
                    client.fetch_token(grant_type="client_credentials", scope="readonly")
                self.assertEqual(refused.exception.error, "invalid_client")

    async def test_spent_code_is_invalid_grant(self):
        party = RelyingParty()
        address = await party.begin()
        arrived = ask("approve", address=address, redirectUri=CALLBACK)
        kept = dict(party.session)
        await party.finish(arrived)
        party.session.update(kept)
        with self.assertRaises(OAuthError) as refused:
            await party.finish(arrived)
        self.assertEqual(refused.exception.error, "invalid_grant")

    async def test_wrong_verifier_is_invalid_grant(self):
        party = RelyingParty(method="none")
        address = await party.begin()
        arrived = ask("approve", address=address, redirectUri=CALLBACK)
        for kept in party.session.values():
            kept["data"]["code_verifier"] = "x" * 43
        with self.assertRaises(OAuthError) as refused:
            await party.finish(arrived)
        self.assertEqual(refused.exception.error, "invalid_grant")


class Lies(unittest.IsolatedAsyncioTestCase):
    """What Authlib must refuse."""

    async def test_a_true_id_token_of_a_published_key_is_accepted(self):
        for alg in ALGORITHMS:
            with self.subTest(alg=alg):
                party = RelyingParty(ISSUERS["forged"], alg=alg)
                ask("lie", name="nothing")
                tokens = await party.sign_in()
                self.assertEqual(ask("honest"), 1)
                self.assertEqual(tokens["userinfo"]["email"], "ada@example.com")

    async def test_an_id_token_that_lies_is_refused(self):
        lies = ["nonce", "no nonce", "iss", "aud", "exp", "signature", "alg none", "alg HS256"]
        for lie in lies:
            with self.subTest(lie=lie):
                party = RelyingParty(ISSUERS["forged"])
                ask("lie", name=lie, secret=party.registered["secret"])
                with self.assertRaises((JoseError, ValueError)):
                    await party.sign_in()
                self.assertEqual(ask("honest"), 1)

    async def test_an_answer_with_another_state_is_refused(self):
        party = RelyingParty()
        arrived = ask("approve", address=await party.begin(), redirectUri=CALLBACK)
        query = parse_qs(urlsplit(arrived).query)
        for state in (["another"], []):
            with self.subTest(state=state), self.assertRaises(MismatchingStateError):
                changed = urlencode({**query, "state": state}, doseq=True)
                await party.finish(f"{CALLBACK}?{changed}")


if __name__ == "__main__":
    main()

//! An API of somebody else's, guarded by `ayb-resource`: the example of that crate, on sockets of its own, beside a server that
//! it knows nothing of but the issuer.

use std::collections::BTreeSet;

use ayb_provider::keys::Rotation;
use ayb_resource::Verifier;
use ayb_server::clock::Clock;
use ayb_testkit::Database;
use http::header::WWW_AUTHENTICATE;
use reqwest::{Method, Response};

use super::notes_api;
use crate::kit::app::Listening;
use crate::kit::client::Client;
use crate::kit::time::{days, hours, minutes, seconds};
use crate::kit::{TestApp, Tokens};

/// A server, an API that takes its tokens, and a caller.
struct World {
    app: TestApp,
    server: Listening,
    api: String,
    http: reqwest::Client,
}

impl World {
    async fn everywhere() -> Vec<Self> {
        let mut worlds = Vec::new();
        for database in ayb_testkit::databases().await {
            worlds.push(Self::on(database).await);
        }
        worlds
    }

    async fn on(database: Database) -> Self {
        let socket = TestApp::socket().await;
        let issuer = format!("http://{}", socket.addresses()[0]);
        let app = TestApp::on_with(database, |config| config.server.public_url = issuer).await;
        let server = app.listen_on(socket);
        let api = serve(app.issuer(), app.clock.clone()).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { app, server, api, http }
    }

    /// A client whose tokens are JWTs for the API.
    async fn client(&self) -> Client {
        let audience = self.api.clone();
        let change = |draft: &mut ayb_provider::register::ClientDraft| {
            draft.token_format = Some("jwt".to_owned());
            draft.audience = Some(audience);
        };
        self.app.confidential_client().with(change).await
    }

    /// A token that the client gets for itself.
    async fn token(&self, client: &Client, scope: &str) -> String {
        let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
        Tokens::of(&self.app.token_request(client, &pairs).await).access
    }

    async fn ask(&self, method: Method, token: &str) -> Response {
        let request = self.http.request(method, format!("{}/notes", self.api)).bearer_auth(token);
        request.body("a note").send().await.unwrap()
    }

    /// Status and challenge.
    async fn verdict(&self, method: Method, token: &str) -> (u16, String) {
        let response = self.ask(method, token).await;
        let challenge =
            response.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), challenge.unwrap_or_default())
    }

    async fn status(&self, token: &str) -> u16 {
        self.verdict(Method::GET, token).await.0
    }

    async fn kids(&self) -> BTreeSet<String> {
        let set = self.app.get("/jwks.json").await.json();
        set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }
}

/// The example, as its own `main` builds it, on the tests' clock. Gives its address.
async fn serve(issuer: &str, clock: Clock) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let resource = notes_api::metadata(&address, issuer).unwrap();
    let builder = Verifier::builder(issuer).audience(resource.resource()).clock(move || clock.now());
    let router = notes_api::router(&resource, builder.build().unwrap()).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

#[tokio::test]
async fn jwt_access_tokens_open_an_api_of_somebody_else() {
    for world in World::everywhere().await {
        let client = world.client().await;
        let (reader, writer) =
            (world.token(&client, "readonly").await, world.token(&client, "readwrite").await);
        assert_eq!(world.status(&reader).await, 200);
        assert_eq!(world.verdict(Method::POST, &writer).await.0, 200);
        assert_eq!(world.ask(Method::GET, &reader).await.text().await.unwrap(), "[\"a note\"]");
        let (status, challenge) = world.verdict(Method::POST, &reader).await;
        assert_eq!(status, 403);
        assert!(
            challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"readwrite\""),
            "{challenge}"
        );

        // A person's token has the person as its subject: the client's notes are not theirs.
        let ada = world.app.user("ada").await;
        let tokens = world.app.tokens(&client, &ada, "openid readonly").await;
        assert_eq!(world.ask(Method::GET, &tokens.access).await.text().await.unwrap(), "[]");
        let (status, challenge) = world.verdict(Method::GET, &tokens.id_token.unwrap()).await;
        assert_eq!(status, 401, "an ID token is no access token");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        assert_eq!(world.status(tokens.refresh.as_deref().unwrap()).await, 401);
    }
}

#[tokio::test]
async fn tokens_that_are_not_for_the_api_do_not_open_it() {
    for world in World::everywhere().await {
        let opaque = world.app.confidential_client().await;
        let opaque = world.token(&opaque, "readonly").await;
        let own_name =
            world.app.confidential_client().with(|draft| draft.token_format = Some("jwt".to_owned())).await;
        let own_name = world.token(&own_name, "readonly").await;
        for token in [&opaque, &own_name] {
            assert_eq!(world.app.userinfo(token).await, 403, "it is alive, and good for the server itself");
            let (status, challenge) = world.verdict(Method::GET, token).await;
            assert_eq!(status, 401);
            assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        }
        let nothing = world.http.get(format!("{}/notes", world.api)).send().await.unwrap();
        assert_eq!(nothing.status(), 401);
        let challenge = nothing.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        assert!(!challenge.contains("error"), "{challenge}");

        // The challenge leads to the metadata, and that to the issuer.
        let metadata = challenge.split("resource_metadata=\"").nth(1).unwrap().trim_end_matches('"');
        let document = world.http.get(metadata).send().await.unwrap().text().await.unwrap();
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["resource"], world.api.as_str());
        assert_eq!(document["authorization_servers"][0], world.app.issuer());
    }
}

#[tokio::test]
async fn a_revoked_jwt_is_dead_here_at_once_and_there_with_its_time() {
    for world in World::everywhere().await {
        let client = world.client().await;
        let token = world.token(&client, "readonly").await;
        assert_eq!(world.app.revoke(&client, &token).await.status, 200);
        assert_eq!(world.app.userinfo(&token).await, 401);
        assert_eq!(world.status(&token).await, 200, "the API asks nobody");
        world.app.travel(hours(1));
        assert_eq!(world.status(&token).await, 200, "within the leeway");
        world.app.travel(seconds(30));
        let (status, challenge) = world.verdict(Method::GET, &token).await;
        assert_eq!(status, 401);
        assert!(challenge.contains("The access token has expired."), "{challenge}");
    }
}

#[tokio::test]
async fn new_keys_are_taken_over_before_and_after_their_first_token() {
    for world in World::everywhere().await {
        let client = world.client().await;
        let token = world.token(&client, "readonly").await;
        assert_eq!(world.status(&token).await, 200);
        let before = world.kids().await;

        // The usual way: the next key is published long before it signs.
        let tend = async |rotation| world.app.app.keys.tend(rotation, world.app.clock.now()).await.unwrap();
        tend(Rotation::Begin).await;
        let published = world.kids().await;
        assert!(published.len() > before.len(), "{published:?}");
        world.app.travel(days(2));
        tend(Rotation::WhenDue).await;
        let token = world.token(&client, "readonly").await;
        assert_eq!(world.status(&token).await, 200);

        // In an emergency it signs at once: the API asks again as soon as its cool-down allows.
        world.app.travel(minutes(1));
        tend(Rotation::AtOnce).await;
        let newest = world.token(&client, "readonly").await;
        assert_eq!(world.status(&newest).await, 200);
        assert_eq!(world.status(&token).await, 200, "the old key still verifies what it signed");
    }
}

#[tokio::test]
async fn the_api_goes_on_while_the_server_is_down() {
    for world in World::everywhere().await {
        let client = world.client().await;
        let token = world.token(&client, "readonly").await;
        assert_eq!(world.status(&token).await, 200);
        world.app.travel(hours(2));
        let token = world.token(&client, "readonly").await;
        let World { app, server, api, http } = world;
        let address = server.address;
        server.stop().await;
        assert!(tokio::net::TcpStream::connect(address).await.is_err(), "it is down");
        let notes = || http.get(format!("{api}/notes")).bearer_auth(&token).send();
        assert_eq!(notes().await.unwrap().status(), 200, "the keys are an hour past their time");
        app.travel(seconds(3631));
        assert_eq!(notes().await.unwrap().status(), 401, "a token does not outlive itself");
    }
}

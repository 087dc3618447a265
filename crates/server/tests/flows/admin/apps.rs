//! Apps: made, listed, changed and deleted, and never taken away from under a client.

use serde_json::json;

use super::{APPS, CLIENTS, Desk, USERS, client_of, refusal, with};
use crate::kit::TestApp;

#[tokio::test]
async fn an_app_is_made_read_changed_and_deleted() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let (ada, bob) = (app.user("ada").await.id, app.user("bob").await.id);
        let body = json!({"name": " Shop ", "description": "Sells", "ownerUserId": ada,
            "allowedOrigins": ["https://shop.example"]});
        let created = desk.post(APPS, &body).await;
        assert_eq!((created.status.as_u16(), created.header("cache-control")), (201, "no-store"));
        let shop = created.json();
        let expected = json!({
            "id": shop["id"], "name": "Shop", "description": "Sells", "ownerUserId": ada, "rateLimitRps": 0,
            "rateLimitWindowSeconds": 60, "allowedOrigins": ["https://shop.example"], "createdAt": "2027-01-15T08:00:00.000Z",
            "updatedAt": "2027-01-15T08:00:00.000Z"
        });
        assert_eq!(shop, expected);
        let path = format!("{APPS}/{}", created.member("id"));
        assert_eq!(desk.get(&path).await.json(), expected);

        app.travel(ayb_protocol::time::Seconds(1));
        let change = json!({"name": "Store", "rateLimitRps": 100, "rateLimitWindowSeconds": 10});
        let changed = desk.put(&path, &change).await.json();
        assert_eq!(
            (&changed["name"], &changed["description"]),
            (&json!("Store"), &json!("Sells")),
            "what is absent stays"
        );
        assert_eq!((&changed["rateLimitRps"], &changed["rateLimitWindowSeconds"]), (&json!(100), &json!(10)));
        assert_eq!(changed["allowedOrigins"], json!(["https://shop.example"]));
        assert_eq!(changed["updatedAt"], "2027-01-15T08:00:01.000Z");
        let handed = desk.put(&path, &json!({"name": "Store", "ownerUserId": bob})).await.json();
        assert_eq!((&handed["ownerUserId"], &handed["rateLimitRps"]), (&json!(bob), &json!(100)));
        let nobodys = desk.put(&path, &json!({"name": "Store", "ownerUserId": null})).await.json();
        assert_eq!(nobodys["ownerUserId"], json!(null));
        assert_eq!(desk.get(&path).await.json(), nobodys);
        for origins in [json!(["https://store.example", "http://localhost:5173"]), json!([])] {
            let moved = desk.put(&path, &json!({"name": "Store", "allowedOrigins": origins})).await.json();
            assert_eq!(moved["allowedOrigins"], origins);
            assert_eq!(desk.get(&path).await.json(), moved);
        }

        assert_eq!(desk.delete(&path).await.status, 204);
        for reply in [desk.delete(&path).await, desk.get(&path).await, desk.put(&path, &change).await] {
            assert_eq!(refusal(&reply), (404, String::new()), "{reply}");
        }
    }
}

#[tokio::test]
async fn each_member_that_breaks_a_rule_is_named() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    let ada = app.user("ada").await.id;
    let good = json!({"name": "Shop", "ownerUserId": ada});
    let id = desk.new_app("kept").await;
    let before = desk.dump().await;
    let cases = [
        ("name", json!(""), 400),
        ("name", json!("a\u{0}b"), 400),
        ("name", json!("x".repeat(101)), 400),
        ("name", json!(5), 422),
        ("name", json!(null), 422),
        ("description", json!("x".repeat(1001)), 400),
        ("description", json!(["x"]), 422),
        ("ownerUserId", json!("ada"), 400),
        ("ownerUserId", json!(7), 422),
        ("ownerUserId", json!(uuid::Uuid::max()), 400),
        ("rateLimitRps", json!(1_000_000_001), 400),
        ("rateLimitRps", json!(u64::MAX), 400),
        ("rateLimitRps", json!(-1), 422),
        ("rateLimitRps", json!(1.5), 422),
        ("rateLimitRps", json!("100"), 422),
        ("rateLimitWindowSeconds", json!(0), 400),
        ("rateLimitWindowSeconds", json!(604_801), 400),
        ("allowedOrigins", json!(["https://shop.example", "https://shop.example/"]), 400),
        ("allowedOrigins", json!(["http://shop.example"]), 400),
        ("allowedOrigins", json!(["*"]), 400),
        ("allowedOrigins", json!(["null"]), 400),
        ("allowedOrigins", json!(vec!["https://shop.example"; 21]), 400),
        ("allowedOrigins", json!("https://shop.example"), 422),
    ];
    for (member, value, status) in cases {
        let body = with(&good, member, value.clone());
        let expected = (status, member.to_owned());
        assert_eq!(refusal(&desk.post(APPS, &body).await), expected, "POST {value}");
        assert_eq!(refusal(&desk.put(&format!("{APPS}/{id}"), &body).await), expected, "PUT {value}");
    }
    assert_eq!(refusal(&desk.post(APPS, &json!({})).await), (400, "name".to_owned()));
    assert_eq!(desk.dump().await, before, "a refused request changes nothing");
}

#[tokio::test]
async fn members_that_nobody_may_set_are_refused() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    let ada = app.user("ada").await.id;
    let path = format!("{APPS}/{}", desk.new_app("kept").await);
    for member in ["id", "createdAt", "updatedAt", "rateLimit", "CANARY"] {
        let body = json!({"name": "Shop", "ownerUserId": ada, member: "2027-01-15T08:00:00Z"});
        for reply in [desk.post(APPS, &body).await, desk.put(&path, &body).await] {
            assert_eq!(reply.status, 422, "{member} {reply}");
            assert_eq!(reply.member("message"), "the body has a member that is not known here");
            assert!(!reply.text().contains("CANARY"), "{reply}");
        }
    }
}

#[tokio::test]
async fn an_app_with_clients_stays_and_says_how_many() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let id = desk.new_app("shop").await;
        let path = format!("{APPS}/{id}");
        let (client, _) = desk.new_client(&client_of(&id)).await;
        desk.new_client(&client_of(&id)).await;
        assert_eq!(desk.delete(&format!("{CLIENTS}/{client}")).await.status, 204);
        let refused = desk.delete(&path).await;
        assert_eq!(refused.status, 409, "{} {refused}", app.kind);
        assert_eq!(
            refused.json()["data"],
            json!({"clients": 2, "apiKeys": 0}),
            "a revoked client counts too"
        );
        assert_eq!(desk.get(&path).await.status, 200);
    }
}

#[tokio::test]
async fn a_list_has_pages_and_brings_strange_ones_into_range() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let empty = json!({"items": [], "page": 1, "perPage": 20, "totalItems": 0, "totalPages": 0});
        assert_eq!(desk.get(APPS).await.json(), empty, "{}", app.kind);
        for number in 0..3 {
            desk.new_app(&format!("app-{number}")).await;
            app.travel(ayb_protocol::time::Seconds(1));
        }
        let names = async |query: &str| {
            let reply = desk.get(&format!("{APPS}{query}")).await;
            assert_eq!(reply.status, 200, "{query} {reply}");
            let json = reply.json();
            assert_eq!(json["totalItems"], 3);
            let names: Vec<_> = json["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|app| app["name"].as_str().unwrap().to_owned())
                .collect();
            (names.join(" "), json["page"].clone(), json["perPage"].clone(), json["totalPages"].clone())
        };
        let all = "app-2 app-1 app-0".to_owned();
        for (query, found, page, per_page, pages) in [
            ("", &*all, 1, 20, 1),
            ("?page=0", &all, 1, 20, 1),
            ("?page=-3", &all, 1, 20, 1),
            ("?perPage=0", "app-2", 1, 1, 3),
            ("?perPage=101", &all, 1, 100, 1),
            ("?perPage=2", "app-2 app-1", 1, 2, 2),
            ("?perPage=2&page=2", "app-0", 2, 2, 2),
            ("?perPage=2&page=3", "", 3, 2, 2),
            ("?page=4294967295&perPage=100", "", u32::MAX, 100, 1),
        ] {
            let expected = (found.to_owned(), json!(page), json!(per_page), json!(pages));
            assert_eq!(names(query).await, expected, "{} {query}", app.kind);
        }
        for list in [USERS, CLIENTS, "/api/admin/api-keys"] {
            let ranges = [("", 20), ("?perPage=0", 1), ("?perPage=101", 100), ("?page=0&perPage=7", 7)];
            for (query, per_page) in ranges {
                let json = desk.get(&format!("{list}{query}")).await.json();
                let head = (json["page"].clone(), json["perPage"].clone());
                assert_eq!(head, (json!(1), json!(per_page)), "{} {list}{query}: {json}", app.kind);
                let all = json["totalItems"].as_u64().unwrap();
                assert_eq!(json["totalPages"], all.div_ceil(per_page), "{list}{query}: {json}");
                assert!(
                    json["items"].as_array().unwrap().len() as u64 == all.min(per_page),
                    "{list}: {json}"
                );
            }
        }
        for (query, field) in
            [("?page=x", "page"), ("?perPage=", "perPage"), ("?page=1&page=2", "page"), ("?sort=name", "")]
        {
            assert_eq!(
                refusal(&desk.get(&format!("{APPS}{query}")).await),
                (400, field.to_owned()),
                "{query}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_identifier_names_no_app() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    for id in ["x", "0", "%00", "..%2fclients", &uuid::Uuid::max().to_string(), "ayb_cid_0"] {
        assert_eq!(refusal(&desk.get(&format!("{APPS}/{id}")).await), (404, String::new()), "{id}");
    }
}

#[tokio::test]
async fn an_app_outlives_its_owner() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let ada = app.user("ada").await.id;
        let id = desk.post(APPS, &json!({"name": "Shop", "ownerUserId": ada})).await.member("id");
        assert_eq!(desk.delete(&format!("/api/admin/users/{ada}")).await.status, 204);
        assert_eq!(
            desk.get(&format!("{APPS}/{id}")).await.json()["ownerUserId"],
            json!(null),
            "{}",
            app.kind
        );
    }
}

//! What the OpenAPI document says, and whether the routes keep it.

use std::collections::BTreeSet;

use app::http;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;
use testkit::TestDb;

use crate::house::{House, migrations};

/// Routes that answer to anybody. Every other one says 401 to a caller it does not know.
const PUBLIC: [(&str, &str); 9] = [
    ("get", "/api/v1/identity/setup"),
    ("post", "/api/v1/identity/setup"),
    ("post", "/api/v1/identity/sessions"),
    ("post", "/api/v1/identity/sessions/second"),
    ("get", "/api/v1/identity/sign-in/providers"),
    ("post", "/api/v1/identity/sign-in/begin"),
    ("post", "/api/v1/identity/sign-in/back"),
    ("post", "/api/v1/identity/invitations/look"),
    ("post", "/api/v1/identity/invitations/join"),
];

fn document() -> Value {
    serde_json::to_value(http::openapi()).unwrap()
}

/// Method, path and operation of every route.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .collect()
}

#[test]
fn the_document_is_whole() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "Guanxi");
    let operations = operations(&document);
    assert!(operations.len() > 8, "only {} routes", operations.len());
    let mut ids = BTreeSet::new();
    for (method, path, operation) in &operations {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id} names two operations");
        assert!(path.starts_with("/api/v1/"), "{path}");
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        assert!(!tag.is_empty(), "{method} {path} has no tag");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("default"), "{method} {path} does not name Problem");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                for (name, inside) in fields {
                    match inside.as_str() {
                        Some(target) if name == "$ref" => drop(found.insert(target)),
                        _ => references(inside, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.contains("#/components/schemas/Problem"));
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target} is not there");
    }
}

#[tokio::test]
async fn every_route_wants_to_know_who_asks() {
    let db = TestDb::sqlite(migrations()).await;
    let house = House::owned(&db).await;
    let document = document();
    let mut public = Vec::new();
    for (method, path, operation) in operations(&document) {
        // No id of any kind: who is not known does not learn that either.
        let concrete = path
            .split('/')
            .map(|part| if part.starts_with('{') { "cus_01h455vb4pex5vsknk084sn02q" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(concrete)
            .header("content-type", "application/json")
            .body(Body::from("{}"))
            .unwrap();
        let answer = house.send(request).await;
        assert_ne!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {:?}", answer.body);
        let is_refused = answer.status == StatusCode::UNAUTHORIZED;
        if PUBLIC.contains(&(method, path)) {
            public.push((method, path));
            assert!(operation["security"].is_array(), "{method} {path} does not say it is public");
        } else {
            assert!(is_refused, "{method} {path} answers {} to anybody", answer.status);
            assert_eq!(answer.code(), "unauthorized", "{method} {path}");
        }
    }
    public.sort_unstable();
    let mut expected = PUBLIC;
    expected.sort_unstable();
    assert_eq!(public, expected, "the list of public routes is not current");
}

//! `/health`: the components and their states, as `application/health+json` has them.

use std::time::SystemTime;

use hyper::StatusCode;
use serde_json::{Value as Json, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::board::{FAILURES, Facts};

/// The status code and the object.
pub(super) fn health(facts: &Facts) -> (StatusCode, String) {
    let database = facts.database.as_ref();
    let database_status = match database {
        Some(database) if database.failures == 0 => "pass",
        Some(database) if database.failures < FAILURES => "warn",
        Some(_) => "fail",
        None => "warn",
    };
    let schema = facts.schema.clone().unwrap_or_default();
    let schema_status = if schema.at_head { "pass" } else { "fail" };
    let application_status = if facts.application.well {
        "pass"
    } else {
        "fail"
    };
    let ready = facts.obstacles().is_empty();
    let latency = database.and_then(|database| database.latency);
    let probe = facts.application.probes.back();
    let object = json!({
        "status": if !ready { "fail" } else if database_status == "warn" { "warn" } else { "pass" },
        "description": format!("limbeck: {}", facts.phase),
        "checks": {
            "database:responseTime": [{
                "componentType": "datastore",
                "status": database_status,
                "observedValue": latency.map(|latency| latency.as_secs_f64() * 1000.0),
                "observedUnit": "ms",
                "time": database.map(|database| rfc_3339(database.at)),
                "output": database.and_then(|database| database.problem.clone()),
            }],
            "schema:revision": [{
                "componentType": "datastore",
                "status": schema_status,
                "observedValue": schema.current,
                "heads": schema.heads,
                "pending": schema.pending.len(),
                "step": facts.step.as_ref().map(|step| json!({
                    "revision": step.revision, "kind": step.kind, "number": step.number, "of": step.of,
                    "statements": step.statements, "seconds": step.since.elapsed().as_secs_f64(),
                })),
            }],
            "application:probe": [{
                "componentType": "component",
                "status": application_status,
                "observedValue": probe.map(|record| record.took.as_secs_f64() * 1000.0),
                "observedUnit": "ms",
                "time": probe.map(|record| rfc_3339(record.at)),
                "output": probe.and_then(|record| record.failure.clone()),
            }],
        },
    });
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, without_nulls(object).to_string())
}

/// What there is no value for is left out.
fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Json::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fn rfc_3339(moment: SystemTime) -> Option<String> {
    OffsetDateTime::from(moment).format(&Rfc3339).ok()
}

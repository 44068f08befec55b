//! `/health`: the checks of the application and their results as `application/health+json`.

use std::time::SystemTime;

use hyper::StatusCode;
use serde_json::{Value as Json, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::state::{FAILURE_THRESHOLD, StateSnapshot};

/// Returns the status code and the JSON object.
pub(super) fn health(state: &StateSnapshot) -> (StatusCode, String) {
    let database = state.database.as_ref();
    let database_status = match database {
        Some(database) if database.failures == 0 => "pass",
        Some(database) if database.failures < FAILURE_THRESHOLD => "warn",
        Some(_) => "fail",
        None => "warn",
    };
    let schema = state.schema.clone().unwrap_or_default();
    let schema_status = if schema.is_at_target { "pass" } else { "fail" };
    let application_status = match state.application.is_healthy {
        true if state
            .warnings()
            .iter()
            .any(|warning| warning.component == "application") =>
        {
            "warn"
        }
        true => "pass",
        false => "fail",
    };
    let ready = state.is_ready();
    let latency = database.and_then(|database| database.latency);
    let probe = state.application.probes.back();
    let object = json!({
        "status": if !ready { "fail" } else if database_status == "warn" || application_status == "warn" { "warn" } else { "pass" },
        "description": format!("limbeck: {}", state.phase),
        "checks": {
            "database:responseTime": [{
                "componentType": "datastore",
                "status": database_status,
                "observedValue": latency.map(|latency| latency.as_secs_f64() * 1000.0),
                "observedUnit": "ms",
                "time": database.map(|database| rfc_3339(database.checked_at)),
                "output": database.and_then(|database| database.problem.clone()),
            }],
            "schema:revision": [{
                "componentType": "datastore",
                "status": schema_status,
                "observedValue": schema.current,
                "heads": schema.heads,
                "pending": schema.pending.len(),
                "step": state.step.as_ref().map(|step| json!({
                    "revision": step.revision, "kind": step.kind, "number": step.number, "of": step.total,
                    "statements": step.statements, "seconds": step.started_at.elapsed().as_secs_f64(),
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

/// Removes the fields without a value.
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

use portcullis::authz::cedar::Cases;
use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) fn decide(record: &Value) -> Result<Map<String, Value>, String> {
    let cases = Cases::deserialize(record).map_err(|error| error.to_string())?;
    let results = cases.decide().map_err(|error| error.to_string())?;
    match serde_json::to_value(results) {
        Ok(Value::Object(answer)) => Ok(answer),
        other => Err(format!("no object: {other:?}")),
    }
}

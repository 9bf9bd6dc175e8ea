//! Policies as text, read at start and again when they change.

use super::documents::Document;
use super::rights;
use portcullis::authz::abac::trial::PolicyTrial;
use portcullis::authz::abac::{AttributeSchema, AttributeType, Authz, TypeSchema};
use portcullis::authz::cedar::{AppSchema, CedarSource, LivePolicies, PolicyFolder};
use portcullis::event::{Emitter, EventKind, SecurityEvent};
use std::error::Error;
use std::path::Path;
use std::time::Duration;

/// How often the folder is looked at.
const RELOAD: Duration = Duration::from_secs(2);

/// Roles in front, and behind them the policies of this folder.
pub(crate) fn open(folder: &Path) -> Result<(Authz, LivePolicies), Box<dyn Error>> {
    let department = AttributeSchema::new("department", AttributeType::Text).optional();
    let schema = AppSchema::builder()
        .principal(TypeSchema::new("User").attribute(department))
        .resource::<Document>("documents", ["read", "write"])
        .actions("documents", ["read", "write"])
        .build()?;
    let live = LivePolicies::from_folder(PolicyFolder::new(folder).schema(schema.to_string()))?;
    let authz = Authz::builder()
        .roles(rights::rbac()?)
        .source(CedarSource::new(live.clone(), &schema)?)
        .build()?;
    Ok((authz, live))
}

/// The same policies, to be asked questions that are data.
pub(crate) fn trial(authz: &Authz) -> PolicyTrial {
    PolicyTrial::new(authz.clone()).resource::<Document>()
}

/// Looks at the folder again and again. Policies that are wrong are told of and not taken.
pub(crate) async fn watch(live: LivePolicies, emitter: Emitter) {
    let mut ticks = tokio::time::interval(RELOAD);
    loop {
        ticks.tick().await;
        let looking = live.clone();
        let looked = tokio::task::spawn_blocking(move || looking.reload_if_changed()).await;
        match looked {
            Ok(Some(Ok(version))) => emitter.emit(
                SecurityEvent::new(EventKind::AuthzChange)
                    .with_code("policies_reloaded")
                    .with_detail("version", version.as_str()),
            ),
            Ok(Some(Err(error))) => emitter.emit(refused(&error)),
            Err(panic) => emitter.emit(refused(&panic)),
            Ok(None) => {}
        }
    }
}

fn refused(error: &dyn Error) -> SecurityEvent {
    SecurityEvent::new(EventKind::SysControlDegraded)
        .with_code("policies_refused")
        .with_reason(error.to_string())
}

//! Documents of departments: who sees and who writes which is up to the policies.

use super::State;
use super::json::{Fields, Form, Json};
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use portcullis::authz::abac::trial::{PolicyAnswer, PolicyTrial, Question};
use portcullis::authz::abac::{
    Allowed, Authz, Context, GuardedRouter, LoadError, attributes, extracted,
};
use portcullis::guard::{FieldError, Rejection};
use portcullis::principal::Principal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};

const MAX_TEXT_LEN: usize = 8 * 1024;

/// A document, as the policies see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    id: String,
    title: String,
    department: String,
    text: String,
}

attributes! {
    Document as "Document" {
        id = document => &*document.id;
        department: public text;
    }
}

/// The documents, in the memory of this process.
#[derive(Clone, Debug)]
pub(crate) struct Documents {
    rows: Arc<RwLock<BTreeMap<String, Document>>>,
    authz: Authz,
    trial: Arc<PolicyTrial>,
}

impl Documents {
    /// Some to begin with.
    pub(crate) fn new(authz: Authz) -> Self {
        let rows = [
            ("price-list", "Price list", "sales"),
            ("forecast", "Forecast", "sales"),
            ("contract", "Contract", "legal"),
        ];
        let rows = rows.map(|(id, title, department)| {
            let document = Document {
                id: id.to_owned(),
                title: title.to_owned(),
                department: department.to_owned(),
                text: format!("{title} of {department}"),
            };
            (id.to_owned(), document)
        });
        Self {
            rows: Arc::new(RwLock::new(rows.into_iter().collect())),
            trial: Arc::new(super::policies::trial(&authz)),
            authz,
        }
    }

    fn find(&self, id: &str) -> Option<Document> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.get(id).cloned()
    }

    fn all(&self) -> Vec<Document> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.values().cloned().collect()
    }

    fn write(&self, id: &str, text: String) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = rows.get_mut(id) {
            row.text = text;
        }
    }
}

/// Each route with its rule; one that has none would be denied, and the service does not start.
pub(crate) fn routes(documents: &Documents) -> Result<axum::Router<State>, Box<dyn Error>> {
    let authz = &documents.authz;
    let by_path = || {
        let documents = documents.clone();
        extracted(move |Path(id): Path<String>| {
            let found = documents.find(&id);
            async move { Ok::<_, LoadError>(found) }
        })
    };
    let routes = GuardedRouter::new()
        .get("/documents", list)
        .behind(authz.require("documents:read")?)
        .get("/documents/{id}", show)
        .behind(authz.require_on("documents:read", by_path())?)
        .put("/documents/{id}", write)
        .behind(authz.require_on("documents:write", by_path())?)
        .post("/admin/policies/check", check)
        .behind(authz.require("policies:check")?);
    match routes.unguarded().as_slice() {
        [] => Ok(routes.into_router()?),
        unguarded => Err(format!("no rule for {}", unguarded.join(", ")).into()),
    }
}

/// Those that the caller may see.
async fn list(
    Shared(state): Shared<State>,
    principal: Principal,
    context: Context,
) -> Result<axum::Json<Value>, Rejection> {
    let documents = &state.documents;
    let visible = documents
        .authz
        .visible(&principal, "documents:read", &context);
    let shown = visible.select(documents.all())?;
    let shown = shown.iter().map(|document: &Document| {
        json!({"id": document.id, "title": document.title, "department": document.department})
    });
    Ok(axum::Json(shown.collect()))
}

/// The very row that was decided about.
async fn show(document: Allowed<Document>) -> axum::Json<Document> {
    axum::Json(Document::clone(&document))
}

#[derive(Debug)]
struct NewText(String);

impl Form for NewText {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.lines("text", MAX_TEXT_LEN).map(Self)
    }
}

async fn write(
    Shared(state): Shared<State>,
    document: Allowed<Document>,
    Json(NewText(text)): Json<NewText>,
) -> StatusCode {
    state.documents.write(&document.id, text);
    StatusCode::NO_CONTENT
}

#[derive(Debug)]
struct Asked(Question);

impl Form for Asked {
    fn read(fields: &mut Fields) -> Option<Self> {
        match serde_json::from_value(fields.take_all()) {
            Ok(question) => Some(Self(question)),
            Err(error) => {
                let error = FieldError::new("", "not_a_question", error.to_string());
                fields.extend([error]);
                None
            }
        }
    }
}

/// What the policies would say, and why: for administrators.
async fn check(
    Shared(state): Shared<State>,
    Json(Asked(question)): Json<Asked>,
) -> Result<axum::Json<PolicyAnswer>, Rejection> {
    let answer = state.documents.trial.ask(&question).map_err(|error| {
        let error = FieldError::new("", "not_a_question", error.to_string());
        Rejection::invalid([error])
    })?;
    Ok(axum::Json(answer))
}

//! Notes, encrypted at rest, which their owner alone can read.

use super::State;
use super::json::{Fields, Form, Json, from_path};
use super::owned::Kind;
use super::records::{ID_LEN, broken, new_id};
use super::vault::{Vault, refused};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Shared};
use axum::response::{AppendHeaders, IntoResponse};
use http::StatusCode;
use http::header::LINK;
use portcullis::crypto::field::Encrypted;
use portcullis::event::{Emitter, EventKind, SecurityEvent};
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::input::html::Policy;
use portcullis::principal::Principal;
use portcullis::store::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::LazyLock;

const MAX_TITLE_LEN: usize = 200;
/// What is left of the longest body for a note's text, and of a record once it is escaped and
/// sealed.
const MAX_HTML_LEN: usize = 12 * 1024;
/// Built once: that takes longer than to clean a note.
static RICH_TEXT: LazyLock<Policy> = LazyLock::new(Policy::rich_text);
/// How many notes a list shows.
const PAGE: usize = 100;

#[derive(Debug)]
pub(crate) struct NewNote {
    title: String,
    html: String,
}

impl Form for NewNote {
    fn read(fields: &mut Fields) -> Option<Self> {
        let title = fields.text("title", MAX_TITLE_LEN);
        let html = fields.lines("html", MAX_HTML_LEN);
        let html = html.and_then(|html| clean(fields, &html));
        Some(Self {
            title: title?,
            html: html?,
        })
    }
}

/// No script, no form, nothing that loads: whoever shows the note may trust it.
fn clean(fields: &mut Fields, html: &str) -> Option<String> {
    let clean = RICH_TEXT.clean(html).ok();
    match &clean {
        None => fields.wrong(
            "html",
            "too_complex",
            "is nested too deep, or too much work",
        ),
        // Escapes and what is added to links make it longer.
        Some(clean) if clean.len() > MAX_HTML_LEN => {
            fields.wrong("html", "too_long", "is too long once it is cleaned");
        }
        Some(_) => {}
    }
    clean
}

/// A note as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    title: Encrypted<String>,
    html: Encrypted<String>,
}

pub(crate) async fn create(
    Shared(state): Shared<State>,
    principal: Principal,
    Json(new): Json<NewNote>,
) -> Result<(StatusCode, axum::Json<Value>), Rejection> {
    let id = new_id();
    let row = row(principal.id(), &id);
    let vault = &state.vault;
    let note = Note {
        title: vault.note_title.seal(&new.title, &row).map_err(refused)?,
        html: vault.note_html.seal(&new.html, &row).map_err(refused)?,
    };
    let value = serde_json::to_vec(&note).map_err(|_| broken())?;
    state
        .owned
        .add(Kind::Note, principal.id(), &id, &value)
        .await?;
    let created = json!({"id": id, "title": new.title, "html": new.html});
    Ok((StatusCode::CREATED, axum::Json(created)))
}

/// A note of somebody else is not found, as one that is not there.
pub(crate) async fn show(
    Shared(state): Shared<State>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<axum::Json<Value>, Rejection> {
    let id = from_path(id)?;
    let found = state.owned.find(Kind::Note, principal.id(), &id).await?;
    let note = found.ok_or_else(|| Rejection::new(RejectionKind::NotFound))?;
    let (title, html) = open(&state.vault, &principal, &note)?;
    Ok(axum::Json(json!({"id": id, "title": title, "html": html})))
}

pub(crate) async fn delete(
    Shared(state): Shared<State>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Rejection> {
    let id = from_path(id)?;
    match state.owned.remove(Kind::Note, principal.id(), &id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Rejection::new(RejectionKind::NotFound)),
    }
}

/// Where a page of notes begins.
#[derive(Debug, Deserialize)]
pub(crate) struct Start {
    /// The last note of the page before.
    after: Option<String>,
}

/// The titles, in the order of the ids. Where there are more than a page, a link says where it
/// goes on.
pub(crate) async fn list(
    Shared(state): Shared<State>,
    principal: Principal,
    emitter: Emitter,
    start: Result<Query<Start>, QueryRejection>,
) -> Result<impl IntoResponse, Rejection> {
    let malformed = || Rejection::new(RejectionKind::Malformed).with_code("malformed_query");
    let Query(Start { after }) = start.map_err(|_| malformed())?;
    if after.as_ref().is_some_and(|id| id.len() != ID_LEN) {
        return Err(malformed());
    }
    let (kind, after) = (Kind::Note.collection(), after.as_deref().map(str::as_bytes));
    // One more than is shown tells whether there are more.
    let records = &state.records;
    let notes = records.list_owned(kind, principal.id(), after, PAGE + 1);
    let mut notes = notes.await?;
    let is_last = notes.len() <= PAGE;
    notes.truncate(PAGE);
    let titles = notes.iter().map(|note| {
        let id = String::from_utf8_lossy(note.id());
        // One that was spoiled does not keep the others from their owner.
        let title = match open(&state.vault, &principal, note) {
            Ok((title, _)) => Some(title),
            Err(spoiled) => {
                emitter.emit(event(&spoiled));
                None
            }
        };
        json!({"id": id, "title": title})
    });
    let last = notes.last().filter(|_| !is_last);
    let next = last.map(|note| {
        let id = String::from_utf8_lossy(note.id());
        (LINK, format!("</notes?after={id}>; rel=\"next\""))
    });
    let titles: Value = titles.collect();
    Ok((AppendHeaders(next), axum::Json(titles)))
}

/// What a note is sealed for: who can write to the database cannot give it to another owner.
fn row(owner: &str, id: &str) -> String {
    format!("{owner}/{id}")
}

fn open(vault: &Vault, owner: &Principal, note: &Record) -> Result<(String, String), Rejection> {
    let row = row(owner.id(), &String::from_utf8_lossy(note.id()));
    let note: Note = serde_json::from_slice(note.value()).map_err(|_| broken())?;
    let title = vault.note_title.open(&note.title, &row).map_err(refused)?;
    let html = vault.note_html.open(&note.html, &row).map_err(refused)?;
    Ok((title.expose().clone(), html.expose().clone()))
}

fn event(spoiled: &Rejection) -> SecurityEvent {
    let reason = spoiled.reason().unwrap_or_default();
    SecurityEvent::new(EventKind::CryptDecryptFail).with_reason(reason.to_owned())
}

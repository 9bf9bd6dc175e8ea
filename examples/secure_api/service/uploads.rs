//! Files of users: judged while they come, kept encrypted, given back to their owner alone.

use super::State;
use super::json::from_path;
use super::owned::{CHUNKS, Kind};
use super::records::{broken, new_id};
use super::vault::{Vault, refused};
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, delete, get, post};
use axum::{Json, Router};
use http::StatusCode;
use portcullis::authz::rbac::{ConfigError, Rbac};
use portcullis::crypto::field::Encrypted;
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::input::file_name::FileName;
use portcullis::input::upload::{
    FileType, Part, UploadLayer, UploadPolicy, Uploads, download_headers,
};
use portcullis::principal::Principal;
use portcullis::store::Records;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The largest file. All of it passes through the firewall's memory.
const MAX_FILE: usize = 1024 * 1024;
/// The largest request: the file, and what multipart puts around it.
pub(crate) const MAX_BYTES: usize = MAX_FILE + 64 * 1024;
/// What fits into a record once it is sealed.
const CHUNK: usize = 48 * 1024;

/// Images and documents, one at a time.
fn policy() -> UploadPolicy {
    let documents = FileType::DOCUMENTS.iter().copied();
    documents
        .fold(UploadPolicy::images(), UploadPolicy::also)
        .max_bytes(MAX_FILE as u64)
        .max_files(1)
}

/// What the owner of files may ask for.
pub(super) fn routes(rbac: &Rbac) -> Result<Router<State>, ConfigError> {
    let create: MethodRouter<State> = post(create).layer(UploadLayer::new(policy()));
    let create = create.layer(rbac.require("notes:write")?);
    let show = get(show).layer(rbac.require("notes:read")?);
    let remove: MethodRouter<State> = delete(remove).layer(rbac.require("notes:write")?);
    Ok(Router::new()
        .route("/uploads", create)
        .route("/uploads/{id}", show.merge(remove)))
}

/// What is known of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Upload {
    name: String,
    media_type: String,
    length: u64,
    sha256: String,
    chunks: usize,
}

async fn create(
    Shared(state): Shared<State>,
    principal: Principal,
    mut uploads: Uploads,
) -> Result<(StatusCode, Json<Value>), Rejection> {
    while let Some(part) = uploads.next().await? {
        let Part::File(file) = part else { continue };
        let (accepted, content) = file.into_memory().await?;
        let upload = Upload {
            name: accepted.original_name().as_str().to_owned(),
            media_type: accepted.file_type().media_type().to_owned(),
            length: accepted.length(),
            sha256: accepted.hash().to_string(),
            chunks: content.chunks(CHUNK).len(),
        };
        let id = keep(&state, principal.id(), &upload, &content).await?;
        let mut answer = json!(upload);
        if let Some(answer) = answer.as_object_mut() {
            answer.remove("chunks");
            answer.insert("id".to_owned(), id.into());
        }
        return Ok((StatusCode::CREATED, Json(answer)));
    }
    Err(Rejection::new(RejectionKind::Malformed).with_code("no_file"))
}

/// Keeps what is known of it first, for that is counted: who goes away halfway leaves nothing
/// that is not.
async fn keep(
    state: &State,
    owner: &str,
    upload: &Upload,
    content: &Bytes,
) -> Result<String, Rejection> {
    let id = new_id();
    let value = serde_json::to_vec(upload).map_err(|_| broken())?;
    state.owned.add(Kind::Upload, owner, &id, &value).await?;
    let column = &state.vault.upload;
    for (number, chunk) in content.chunks(CHUNK).enumerate() {
        let row = row(owner, &id, number);
        let sealed = column.seal(chunk, &row).map_err(refused)?;
        let name = chunk_name(&id, number);
        state
            .records
            .insert_owned(CHUNKS, &name, owner, sealed.as_bytes())
            .await?;
    }
    Ok(id)
}

/// Gives a file back as data, whatever it is, under the name that it came with.
async fn show(
    Shared(state): Shared<State>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, Rejection> {
    let id = from_path(id)?;
    let missing = || Rejection::new(RejectionKind::NotFound);
    let found = state.owned.find(Kind::Upload, principal.id(), &id).await?;
    let found = found.ok_or_else(missing)?;
    let upload: Upload = serde_json::from_slice(found.value()).map_err(|_| broken())?;
    let content = read(
        &state.records,
        &state.vault,
        principal.id(),
        &id,
        upload.chunks,
    )
    .await?
    .ok_or_else(missing)?;
    let mut kinds = FileType::ALL.iter().copied();
    let kind = kinds.find(|kind| kind.media_type() == upload.media_type);
    let name = FileName::parse(&upload.name).map_err(|_| broken())?;
    Ok((download_headers(kind.ok_or_else(broken)?, &name), content))
}

async fn remove(
    Shared(state): Shared<State>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Rejection> {
    let missing = || Rejection::new(RejectionKind::NotFound);
    let id = from_path(id)?;
    let found = state.owned.find(Kind::Upload, principal.id(), &id).await?;
    let found = found.ok_or_else(missing)?;
    let upload: Upload = serde_json::from_slice(found.value()).map_err(|_| broken())?;
    // The content first: what is counted is there until nothing of it is left.
    for number in 0..upload.chunks {
        let name = chunk_name(&id, number);
        state.records.delete(CHUNKS, &name, None).await?;
    }
    match state
        .owned
        .remove(Kind::Upload, principal.id(), &id)
        .await?
    {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(missing()),
    }
}

/// The content; `None` where not all of it was kept.
async fn read(
    records: &Records,
    vault: &Vault,
    owner: &str,
    id: &str,
    chunks: usize,
) -> Result<Option<Vec<u8>>, Rejection> {
    let mut content = Vec::new();
    for number in 0..chunks {
        let Some(found) = records.get(CHUNKS, &chunk_name(id, number)).await? else {
            return Ok(None);
        };
        let sealed = Encrypted::<Vec<u8>>::from_bytes(found.value().to_vec());
        let chunk = vault.upload.open(&sealed, &row(owner, id, number));
        content.extend_from_slice(chunk.map_err(refused)?.expose());
    }
    Ok(Some(content))
}

fn chunk_name(id: &str, number: usize) -> String {
    format!("{id}/{number}")
}

/// What a chunk is sealed for: no other place, file or owner.
fn row(owner: &str, id: &str, number: usize) -> String {
    format!("{owner}/{id}/{number}")
}

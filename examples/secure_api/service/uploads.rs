//! Files of users: judged while they come, kept encrypted, given back to their owner alone.

use super::State;
use super::json::from_path;
use super::records::{ID_LEN, new_id, unavailable};
use super::vault::{Vault, refused};
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post};
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
use portcullis::store::{Collection, Records};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const UPLOADS: Collection = Collection::new("upload");
const CHUNKS: Collection = Collection::new("upload-chunk");
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
    Ok(Router::new()
        .route("/uploads", create)
        .route("/uploads/{id}", show))
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

/// Keeps the content first: what was not kept whole is not found.
async fn keep(
    state: &State,
    owner: &str,
    upload: &Upload,
    content: &Bytes,
) -> Result<String, Rejection> {
    let id = new_id();
    let column = &state.vault.upload;
    for (number, chunk) in content.chunks(CHUNK).enumerate() {
        let row = row(owner, &id, number);
        let sealed = column.seal(chunk, &row).map_err(refused)?;
        let name = format!("{id}/{number}");
        let insert = state
            .records
            .insert_owned(CHUNKS, &name, owner, sealed.as_bytes());
        insert.await.map_err(|error| unavailable(&error))?;
    }
    let value = serde_json::to_vec(upload).map_err(|_| broken())?;
    let insert = state.records.insert_owned(UPLOADS, &id, owner, &value);
    insert.await.map_err(|error| unavailable(&error))?;
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
    if id.len() != ID_LEN {
        return Err(missing());
    }
    let found = state.records.get(UPLOADS, &id).await;
    let found = found
        .map_err(|error| unavailable(&error))?
        .ok_or_else(missing)?;
    let is_own = found
        .owner()
        .is_some_and(|owner| owner == principal.id().as_bytes());
    if !is_own {
        return Err(missing());
    }
    let upload: Upload = serde_json::from_slice(found.value()).map_err(|_| broken())?;
    let content = read(
        &state.records,
        &state.vault,
        principal.id(),
        &id,
        upload.chunks,
    )
    .await?;
    let mut kinds = FileType::ALL.iter().copied();
    let kind = kinds.find(|kind| kind.media_type() == upload.media_type);
    let name = FileName::parse(&upload.name).map_err(|_| broken())?;
    Ok((download_headers(kind.ok_or_else(broken)?, &name), content))
}

async fn read(
    records: &Records,
    vault: &Vault,
    owner: &str,
    id: &str,
    chunks: usize,
) -> Result<Vec<u8>, Rejection> {
    let mut content = Vec::new();
    for number in 0..chunks {
        let found = records.get(CHUNKS, &format!("{id}/{number}")).await;
        let found = found
            .map_err(|error| unavailable(&error))?
            .ok_or_else(broken)?;
        let sealed = Encrypted::<Vec<u8>>::from_bytes(found.value().to_vec());
        let chunk = vault.upload.open(&sealed, &row(owner, id, number));
        content.extend_from_slice(chunk.map_err(refused)?.expose());
    }
    Ok(content)
}

/// What a chunk is sealed for: no other place, file or owner.
fn row(owner: &str, id: &str, number: usize) -> String {
    format!("{owner}/{id}/{number}")
}

fn broken() -> Rejection {
    Rejection::new(RejectionKind::Internal).with_reason("a stored file cannot be read")
}

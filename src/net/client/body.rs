use super::{ClientError, ClientErrorKind};
use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use std::error::Error;
use std::pin::pin;

/// Reads a body of at most so many bytes. One that is announced as larger is not read.
pub(super) async fn read<B>(body: B, limit: usize) -> Result<Bytes, ClientError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(ClientErrorKind::TooLarge.into());
    }
    let mut body = pin!(body);
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ClientError::of_transport(error.into()))?;
        let Ok(data) = frame.into_data() else {
            // Trailers: nothing follows that anybody asked for.
            continue;
        };
        if data.len() > limit.saturating_sub(read.len()) {
            return Err(ClientErrorKind::TooLarge.into());
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

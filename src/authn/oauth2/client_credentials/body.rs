use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;

/// A request's body, of which there may be a copy to send once more.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known as a body that can or cannot be sent twice",
    note = "implement `portcullis::authn::oauth2::client_credentials::RepeatableBody` for it, or use `Full<Bytes>` or `BoxBody`"
)]
pub trait RepeatableBody: Sized {
    /// The same body once more; nothing where that cannot be.
    fn repeat(&self) -> Option<Self>;
}

/// Bodies that lie in memory.
macro_rules! in_memory {
    ($($name:ty $(, $data:ident: $bound:path)?;)+) => {
        $(impl $(<$data: $bound>)? RepeatableBody for $name {
            fn repeat(&self) -> Option<Self> {
                Some(self.clone())
            }
        })+
    };
}
in_memory! {
    ();
    Bytes;
    String;
    Vec<u8>;
    Full<D>, D: Clone;
    Empty<D>, D: Buf;
}

/// Bodies that stream: nothing is as good the second time.
macro_rules! streaming {
    ($($name:ident),+) => {
        $(impl<D: Buf + 'static, E: 'static> RepeatableBody for $name<D, E> {
            fn repeat(&self) -> Option<Self> {
                self.is_end_stream().then(Self::default)
            }
        })+
    };
}
streaming!(BoxBody, UnsyncBoxBody);

/// What a server took in, and sends on: once.
impl RepeatableBody for Incoming {
    fn repeat(&self) -> Option<Self> {
        None
    }
}

#[cfg(feature = "axum")]
impl RepeatableBody for axum_core::body::Body {
    fn repeat(&self) -> Option<Self> {
        self.is_end_stream().then(Self::empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[test]
    fn what_can_be_sent_twice() {
        let full = Full::new(Bytes::from("a"));
        assert!(full.repeat().is_some());
        assert!(Empty::<Bytes>::new().repeat().is_some());
        assert!(full.clone().boxed().repeat().is_none());
        assert!(full.boxed_unsync().repeat().is_none());
        assert!(Empty::<Bytes>::new().boxed().repeat().is_some());
        assert_eq!("a".to_owned().repeat().as_deref(), Some("a"));
    }
}

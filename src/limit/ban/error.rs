use super::BanSubject;
use crate::store::StoreError;
use ipnet::IpNet;
use std::io;
use std::path::PathBuf;

/// The text names nobody who could be banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "who is banned is written as network:192.0.2.1, principal:id, principal:tenant/id, \
     credential:id or fingerprint:text, each also behind other-sites:"
)]
pub struct InvalidBanSubject(pub(super) ());

/// The policy cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBanPolicy {
    /// The name of a rule goes into keys, events and lists.
    #[error("a rule is named by 1 to 32 characters of a-z, 0-9, - and _, not by {0:?}")]
    Name(&'static str),
    /// Both would count into one counter.
    #[error("two rules are named {0:?}")]
    SameName(&'static str),
    /// Nothing could ever break it.
    #[error("the rule {0:?} says nothing of what counts: add `.on(..)` with a weight above zero")]
    CountsNothing(&'static str),
    /// Everybody would be banned, or nobody ever.
    #[error("the rule {0:?} needs a threshold from 1 up and a window longer than zero")]
    Bounds(&'static str),
    /// No ban, shorter bans each time, or bans that never get milder.
    #[error(
        "bans need a first duration and a decay longer than zero, a factor from 1 up, and a \
         ceiling no shorter than the first duration"
    )]
    Escalation,
}

/// IPv4 clients cannot be told apart by this many bits of their addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("IPv4 clients are banned by prefixes of 16 to 32 bits, not of {0}; 32 are the default")]
pub struct InvalidIpv4Prefix(pub(super) u8);

/// Nobody was banned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BanError {
    /// The subject is on the allow-list, or an address that is never banned.
    #[error("{0} is never banned here")]
    Exempt(BanSubject),
    /// No request would be looked up by this network.
    #[error(
        "{0} is wider than the networks that clients are banned by here; put it into a \
         NetworkList to block"
    )]
    TooWide(IpNet),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The list of networks was not taken; what held before holds still.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidNetworkList {
    /// A line is no network.
    #[error("line {line} is no address or network: {text:?}; write 192.0.2.1 or 192.0.2.0/24")]
    Line {
        /// Which line, the first being 1.
        line: usize,
        /// What it says, cut to 64 characters.
        text: String,
    },
    /// A line has bits set beyond its prefix: an address was meant, or another network.
    #[error("line {line} has bits beyond its prefix: {text:?}; the network is {network}")]
    HostBits {
        /// Which line, the first being 1.
        line: usize,
        /// What it says.
        text: String,
        /// The network of that prefix.
        network: IpNet,
    },
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is larger than [`NetworkList::MAX_FILE_LEN`](super::NetworkList::MAX_FILE_LEN).
    #[error("{} is larger than {} bytes", path.display(), super::NetworkList::MAX_FILE_LEN)]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// The list was not made from a file, so there is nothing to read again.
    #[error("this list of networks was not made by `from_file`")]
    NoFile,
}

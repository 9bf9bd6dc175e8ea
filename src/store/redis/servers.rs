use super::charge::{self, Backlogs, Collector, Quota};
use super::cluster::Cluster;
use super::dial::Dialer;
use super::failure::Failure;
use super::node::Node;
use super::request::Request;
use super::{keys, scripts};
use crate::store::{Decision, StoreError, StoreFuture};
use redis::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// One server, or several that are one Cluster.
#[derive(Clone, Debug)]
pub(super) struct Servers {
    layout: Layout,
    deadline: Duration,
}

#[derive(Clone, Debug)]
enum Layout {
    One { node: Arc<Node>, charges: Collector },
    Cluster(Arc<Cluster>),
}

impl Servers {
    pub(super) fn one(node: Arc<Node>, dialer: &Dialer) -> Self {
        let (deadline, max) = (dialer.deadline, dialer.max_in_flight);
        let charges = Collector::new(Arc::clone(&node), deadline, max);
        Self {
            layout: Layout::One { node, charges },
            deadline,
        }
    }

    pub(super) const fn cluster(cluster: Arc<Cluster>, deadline: Duration) -> Self {
        Self {
            layout: Layout::Cluster(cluster),
            deadline,
        }
    }

    /// What to answer at once about this key, because its server is out of reach.
    pub(super) fn refusal(&self, key: &[u8]) -> Option<Failure> {
        match &self.layout {
            Layout::One { node, .. } => node.refusal(),
            Layout::Cluster(cluster) => cluster.refusal(keys::slot(key)),
        }
    }

    pub(super) async fn run(&self, key: &[u8], request: &Request) -> Result<Value, Failure> {
        let deadline = Instant::now() + self.deadline;
        match &self.layout {
            Layout::One { node, .. } => node.run(request, false, deadline).await,
            Layout::Cluster(cluster) => cluster.run(keys::slot(key), request, deadline).await,
        }
    }

    /// Charges all of these or none, and decides by their backlogs of before.
    pub(super) fn charge(
        &self,
        quotas: Vec<Quota>,
        decide: impl FnOnce(Backlogs) -> Decision + Send + 'static,
    ) -> StoreFuture<Decision> {
        let refusal = quotas.iter().find_map(|quota| self.refusal(&quota.key));
        if let Some(refusal) = refusal {
            return StoreError::from(refusal).into();
        }
        if let Layout::One { charges, .. } = &self.layout {
            return match charges.charge(quotas) {
                Ok(answer) => StoreFuture::waiting(async { Ok(decide(answer.await?)) }),
                Err(failure) => StoreError::from(failure).into(),
            };
        }
        let servers = self.clone();
        let slot = |quota: &Quota| keys::slot(&quota.key);
        let first = quotas.first().map(slot);
        if quotas.iter().all(|quota| Some(slot(quota)) == first) {
            return StoreFuture::waiting(async move {
                Ok(decide(servers.charge_one_slot(&quotas).await?))
            });
        }
        // On a task of its own: who asks may go away, and what was charged in vain must be
        // given back all the same.
        StoreFuture::waiting(async move {
            let task = tokio::spawn(async move { servers.charge_slots(quotas).await });
            let answer = task.await.unwrap_or_else(|error| {
                Err(Failure::unavailable(format!(
                    "the charge was lost: {error}"
                )))
            });
            Ok(decide(answer?))
        })
    }

    async fn charge_one_slot(&self, quotas: &[Quota]) -> Result<Backlogs, Failure> {
        let Some(first) = quotas.first() else {
            return Ok(Backlogs::default());
        };
        let request = charge::request(std::iter::once(quotas));
        charge::backlogs_of_one(self.run(&first.key, &request).await?, quotas.len())
    }

    /// Charges slot by slot, all at the same time. When one refuses or fails, the others give
    /// back what they took.
    async fn charge_slots(&self, quotas: Vec<Quota>) -> Result<Backlogs, Failure> {
        let mut backlogs = Backlogs::default();
        let mut tasks = Vec::new();
        for group in by_slot(quotas) {
            let servers = self.clone();
            tasks.push(tokio::spawn(async move {
                let answer = servers.charge_one_slot(&group.quotas).await;
                (group, answer)
            }));
        }
        let (mut charged, mut refused, mut failed) = (Vec::new(), false, None);
        for task in tasks {
            let Ok((group, answer)) = task.await else {
                failed = Some(Failure::unavailable("a charge was lost"));
                continue;
            };
            match answer {
                Ok(found) => {
                    let fits = group.quotas.iter().zip(&found).all(|(q, b)| q.fits(*b));
                    for (place, backlog) in group.places.into_iter().zip(found) {
                        if let Some(known) = backlogs.get_mut(place) {
                            *known = backlog;
                        }
                    }
                    match fits {
                        true => charged.extend(group.quotas),
                        false => refused = true,
                    }
                }
                Err(failure) => failed = Some(failure),
            }
        }
        if refused || failed.is_some() {
            self.give_back(charged).await;
        }
        failed.map_or(Ok(backlogs), Err)
    }

    /// Once: what cannot be given back refills by itself.
    async fn give_back(&self, charged: Vec<Quota>) {
        let refunds = charged.into_iter().filter(|quota| quota.need > 0);
        let refunds: Vec<_> = refunds
            .map(|quota| {
                let servers = self.clone();
                tokio::spawn(async move {
                    let request = Request::script(&scripts::REFUND, &[&quota.key]).arg(quota.need);
                    servers.run(&quota.key, &request).await
                })
            })
            .collect();
        for refund in refunds {
            drop(refund.await);
        }
    }
}

/// Quotas of one slot, and the places that they had among all.
#[derive(Debug)]
struct Group {
    slot: u16,
    places: Vec<usize>,
    quotas: Vec<Quota>,
}

fn by_slot(quotas: Vec<Quota>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (place, quota) in quotas.into_iter().enumerate() {
        let slot = keys::slot(&quota.key);
        match groups.iter_mut().find(|group| group.slot == slot) {
            Some(group) => {
                group.places.push(place);
                group.quotas.push(quota);
            }
            None => groups.push(Group {
                slot,
                places: vec![place],
                quotas: vec![quota],
            }),
        }
    }
    groups
}

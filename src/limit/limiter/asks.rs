use crate::limit::Quotas;
use crate::limit::draft::Ask;

/// What a request asks of all rules.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::limit) struct Asks {
    len: usize,
    asks: [Ask; Quotas::MAX],
}

impl Asks {
    pub(in crate::limit) fn push(&mut self, ask: Ask) {
        if let Some(room) = self.asks.get_mut(self.len) {
            *room = ask;
            self.len += 1;
        }
    }

    /// The one that there is, where there are no others.
    #[inline]
    pub(super) const fn only(&self) -> Option<&Ask> {
        match &self.asks {
            [one, ..] if self.len == 1 => Some(one),
            _ => None,
        }
    }

    pub(in crate::limit) fn iter(&self) -> impl Iterator<Item = &Ask> + Clone {
        self.asks.iter().take(self.len)
    }
}

/// Finds what may be cut apart where one piece of a file ends and the next begins, as long as
/// it has at most `N` bytes.
#[derive(Debug, Default)]
pub(super) struct Seam<const N: usize> {
    carried: Vec<u8>,
}

impl<const N: usize> Seam<N> {
    /// Whether `found` says so of the next piece, or of what stands across the seam before it.
    pub(super) fn any(&mut self, piece: &[u8], found: impl Fn(&[u8]) -> bool) -> bool {
        self.carried
            .extend_from_slice(piece.get(..N).unwrap_or(piece));
        let is_found = found(&self.carried) || found(piece);
        if let Some((_, end)) = piece.split_last_chunk::<N>() {
            self.carried.clear();
            self.carried.extend_from_slice(end);
        }
        let old = self.carried.len().saturating_sub(N - 1);
        self.carried.drain(..old);
        is_found
    }
}

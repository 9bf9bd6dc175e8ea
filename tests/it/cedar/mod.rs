//! Policies in the Cedar language: the index against Cedar itself, loading, reloading.

mod cases;
mod dice;
mod exact;
mod expression;
mod fit;
mod join;
mod lists;
mod load;
mod reload;
mod world;

//! Tests of the project's own rules. The crate contains nothing else.

#[cfg(test)]
mod dialects;
#[cfg(test)]
mod doc_comments;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod edges;
#[cfg(test)]
mod licences;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod spdx;
#[cfg(test)]
mod tree;

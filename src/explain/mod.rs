//! Why a run failed, and what happened in it: the causal cone of the failure, its story in sentences, how likely it was
//! at each moment, and the run as a document, a sequence diagram or a log for ShiViz.

pub mod document;
pub mod explanation;
pub mod mermaid;
pub mod probability;
pub mod sentence;
pub mod shiviz;

mod minimal;

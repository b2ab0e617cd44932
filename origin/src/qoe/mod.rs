//! What sessions saw, of all nodes together: the question an operator asks, its answer, and what keeps it quick.

mod answer;
mod question;
mod refresh;
mod retention;

pub use question::{Asked, Question, QuestionError, Step};
pub use refresh::Refreshed;
pub use retention::RetentionConfig;

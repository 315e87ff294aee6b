//! What an error means for whoever meets it.

/// What an error means for the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The same pass may succeed later without anybody changing anything.
    Retry,
    /// Another object has to change first; its change wakes us.
    AwaitChange,
    /// This object has to change first.
    Stall,
}

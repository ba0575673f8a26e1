//! What all runners on node share: the variables that make node say what it would swallow.

/// mocha lets a rejection that nobody handles pass without a word, and others only print it.
pub(super) fn strict() -> (String, String) {
    ("NODE_OPTIONS".to_owned(), "--unhandled-rejections=strict".to_owned())
}

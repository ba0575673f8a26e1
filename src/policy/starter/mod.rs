//! A first policy.

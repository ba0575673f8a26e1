//! Every report file, judged.

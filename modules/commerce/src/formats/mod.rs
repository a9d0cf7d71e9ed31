//! Readers of shop export files.

//! The permissions of the job's token.

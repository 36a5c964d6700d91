//! The trust policies that the documentation prints.

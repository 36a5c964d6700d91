//! The built program, run as the runner runs it, against real counterparts.

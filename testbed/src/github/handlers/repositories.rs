//! The repository itself.

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::shapes;

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    Ok(Answer::ok(shapes::full_repository(&call.urls, call.repository)))
}

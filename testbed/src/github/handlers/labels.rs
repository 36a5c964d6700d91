//! Labels of a repository.

use serde_json::{Value, json};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::records::{Issue, Label};
use crate::github::shapes::node;
use crate::github::state::{Repository, Shared};
use crate::wire::encode;

pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    Ok(call.paged(&call.repository.labels, |label| shape(call, label)))
}

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    let label = find(call, call.parameter("name")).ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(shape(call, label)))
}

pub(crate) fn create(call: &mut Call<'_>) -> Reply {
    let name = call.required("Label", "name")?;
    check(std::slice::from_ref(&name))?;
    if find(call, &name).is_some() {
        return Err(Answer::invalid("Label", "name", "already_exists"));
    }
    let label = Label {
        id: call.shared.next_id(),
        name,
        color: call.text("color").unwrap_or("ededed").to_owned(),
        description: call.text("description").map(str::to_owned),
    };
    call.repository.labels.push(label.clone());
    Ok(Answer::created(shape(call, &label)))
}

pub(crate) fn has_label(issue: &Issue, name: &str) -> bool {
    issue.labels.iter().any(|label| label.eq_ignore_ascii_case(name))
}

/// The most characters of a name.
const LONGEST: usize = 50;

/// Refuses names that are too long, and with them the whole request.
pub(crate) fn check(names: &[String]) -> Result<(), Answer> {
    if names.iter().any(|name| name.chars().count() > LONGEST) {
        return Err(Answer::invalid_because("Label", "name", "name is too long (maximum is 50 characters)"));
    }
    Ok(())
}

/// Makes the labels that do not exist yet.
pub(crate) fn make(call: &mut Call<'_>, names: &[String]) {
    make_in(call.shared, call.repository, names);
}

/// The same, when nobody calls.
pub(crate) fn make_in(shared: &mut Shared, repository: &mut Repository, names: &[String]) {
    for name in names {
        if !repository.labels.iter().any(|label| label.name.eq_ignore_ascii_case(name)) {
            let id = shared.next_id();
            repository.labels.push(Label { id, name: name.clone(), color: "ededed".to_owned(), description: None });
        }
    }
}

fn find<'a>(call: &'a Call<'_>, name: &str) -> Option<&'a Label> {
    call.repository.labels.iter().find(|label| label.name.eq_ignore_ascii_case(name))
}

pub(crate) fn by_name(call: &Call<'_>, name: &str) -> Value {
    find(call, name).map_or(Value::Null, |label| shape(call, label))
}

fn shape(call: &Call<'_>, label: &Label) -> Value {
    json!({
        "id": label.id,
        "node_id": node("LA", label.id),
        "url": format!("{}/labels/{}", call.url(), encode(&label.name)),
        "name": label.name,
        "color": label.color,
        "default": false,
        "description": label.description,
    })
}

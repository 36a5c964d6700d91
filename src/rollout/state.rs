//! The output `state`: what a step replaced, to be handed to rollback, also across jobs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::action::inputs::input_value;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::record::{self, Place, Run, Target};
use crate::text::message;

/// Names this form of the state.
const FORM: u32 = 1;
/// The largest state read, in bytes.
const LARGEST: usize = 16 * 1024;

/// What served before a step moved it, and where it was moved to.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    /// The run that moved it; absent when it was moved at a terminal.
    pub run: Option<Run>,
    /// What was moved.
    pub targets: Vec<Target>,
    /// The floor of the schema that is above what served before, `<version> (<file>)`: a CONTRACT of this deployment took away what
    /// that code uses.
    pub schema_floor: Option<String>,
}

/// The state as it is written.
#[derive(Deserialize, Serialize)]
struct Written {
    form: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<Run>,
    targets: Vec<Target>,
    #[serde(default, rename = "schema-floor", skip_serializing_if = "Option::is_none")]
    schema_floor: Option<String>,
}

impl Captured {
    /// The part of one place.
    #[must_use]
    pub fn target(&self, place: &Place) -> Option<&Target> {
        self.targets.iter().find(|target| target.place == *place)
    }
}

/// Sets the output `state`: what this run replaces, for rollback, and the floor of the schema that it raises above that. Before the first write, so that a cancelled step loses nothing of it.
///
/// # Errors
/// The step ends when rollback would refuse it, or it would have to be cut or edited.
pub fn hand_over(cx: &Context, replaced: Vec<Target>, schema_floor: Option<String>) -> Result<(), Outcome> {
    let state = Captured { run: record::this_run(cx), targets: replaced, schema_floor }.to_string();
    if state.len() > LARGEST {
        let reason = message!(
            "state-too-long",
            "the output `state` would be longer than {LARGEST} bytes, and rollback refuses such a one"
        );
        return Err(Outcome::fail(reason).advise("deploy fewer functions in one step"));
    }
    cx.report.value("state", state)
}

impl FromStr for Captured {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match serde_json::from_str::<Written>(text) {
            Ok(state) if state.form == FORM && text.len() <= LARGEST => {
                Ok(Self { run: state.run, targets: state.targets, schema_floor: state.schema_floor })
            }
            _ => Err("must be the output `state` of the step that changed what serves".to_owned()),
        }
    }
}

impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Written {
            form: FORM,
            run: self.run,
            targets: self.targets.clone(),
            schema_floor: self.schema_floor.clone(),
        };
        f.write_str(&serde_json::to_string(&written).map_err(|_unwritable| fmt::Error)?)
    }
}

input_value!(
    Captured,
    "the output `state` of the step that changed what serves",
    r#"{"form":1,"run":{"id":7,"attempt":1},"targets":[]}"#
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads};

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let text = r#"{"form":1,"run":{"id":7,"attempt":1},"targets":[{"kind":"lambda-alias","function":"api","alias":"live","region":"eu-west-1","account":"0f1e2d3c4b5a","version":"43","digest":null,"previous":{"version":"41","weights":{},"digest":null}}]}"#;
        let state: Captured = text.parse().unwrap();
        assert_eq!(state.to_string(), text);
        let latest = r#"{"form":1,"run":{"id":7,"attempt":1},"targets":[{"kind":"lambda-latest","function":"api","region":"eu-west-1","account":"0f1e2d3c4b5a","version":null,"digest":null,"code_sha256":"bmV3","previous":{"version":"41","weights":{},"digest":null,"code_sha256":"b2xk"}}]}"#;
        assert_eq!(latest.parse::<Captured>().unwrap().to_string(), latest);
        let floor = text.replace(r#""targets""#, r#""schema-floor":"15 (db/16.up.sql)","targets""#);
        assert_eq!(floor.parse::<Captured>().unwrap().schema_floor.as_deref(), Some("15 (db/16.up.sql)"));
        for wrong in ["", "{}", "null", &text.replace("\"form\":1", "\"form\":2"), &text.replace("api", "::error::")] {
            assert!(wrong.parse::<Captured>().is_err(), "{wrong}");
        }
    }

    const STATES: [&str; 2] = [
        r#"{"form":1,"run":{"id":7,"attempt":1},"targets":[{"kind":"lambda-alias","function":"api","alias":"live","region":"eu-west-1","account":"0f1e2d3c4b5a","version":"43","previous":{"version":"41","weights":{"40":0.1}}}]}"#,
        r#"{"form":1,"run":{"id":7,"attempt":1},"targets":[]}"#,
    ];

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&STATES), weight in 0.0..1.0_f64) {
            reads::<Captured>(&text);
            let state: Captured = STATES[0].replace("0.1", &weight.to_string()).parse().unwrap();
            prop_assert_eq!(state.to_string().parse::<Captured>().unwrap(), state);
        }
    }
}

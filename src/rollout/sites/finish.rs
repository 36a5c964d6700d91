//! From the last write to the end of a step: users are asked for what they get, what they do not get as it was published is put back, what
//! is kept no longer is taken away, and the record is ended.

use url::Url;

use super::current::nothing_to_do;
use super::inputs::EdgeInputs;
use super::prove::prove;
use super::prune::{Keep, prune};
use super::put_back::{Switched, put_back};
use super::record::{Applied, conclude};
use crate::context::Context;
use crate::explain::failure;
use crate::outcome::{Outcome, Step};
use crate::record::status_line::Figure;
use crate::record::{Record, RecordInputs};
use crate::site::Marker;

/// What the end of a step needs to know.
#[derive(Debug)]
pub struct Ending<'a> {
    /// The site that was switched, and what it had before.
    pub switched: Switched<'a>,
    /// How it is proved.
    pub edge: &'a EdgeInputs,
    /// Where.
    pub urls: &'a [Url],
    /// Which releases are kept.
    pub keep: Keep,
}

impl Ending<'_> {
    async fn prove(&self, cx: &Context, marker: &Marker) -> Step<()> {
        let Switched { site, wanted, .. } = self.switched;
        cx.report.serving(format!("{site}: {}", marker.label()));
        prove(cx, site, self.urls, (wanted, marker), self.edge.require_404.0).await
    }

    /// After the writes, which left the marker that serves: reads what users get, and puts back what was judged bad.
    ///
    /// # Errors
    /// The step was cancelled.
    pub async fn read_back(&self, cx: &Context, applied: Step<Marker>) -> Step<Applied> {
        match applied {
            Ok(marker) => match self.prove(cx, &marker).await {
                Ok(()) => Ok(Applied::Done(marker)),
                Err(stop) => put_back(cx, &self.switched, stop).await,
            },
            Err(stop) => Ok(Applied::Failed(failure(&cx.calls.deadline, stop)?, false)),
        }
    }

    /// How the step ends, and with it the record.
    pub async fn conclude(
        &self,
        cx: &Context,
        applied: Applied,
        record: Option<Record>,
        named: (&str, &[Figure]),
    ) -> Outcome {
        let Switched { site, bucket, wanted, fronts, .. } = self.switched;
        if matches!(applied, Applied::Done(_)) {
            prune(cx, (site, bucket, fronts), wanted, self.keep).await;
        }
        conclude(cx, site, applied, record, named).await
    }

    /// The end where the release serves already: what users get is read all the same. `None` where another run was waited for.
    ///
    /// # Errors
    /// As [`nothing_to_do`].
    pub async fn nothing_to_do(
        &self,
        cx: &Context,
        inputs: &RecordInputs,
        named: (&'static str, &[Figure]),
    ) -> Step<Option<Outcome>> {
        let proved = self.prove(cx, &self.switched.found.marker).await;
        nothing_to_do(cx, &self.switched, proved, inputs, named).await
    }
}

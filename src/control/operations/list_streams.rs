//! ListStreams: one page, in the order of creation.

use std::sync::Arc;

use crate::api::{Error, ListStreamsInput, ListStreamsOutput, Operation, Response};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::operations::page_token::{read_sealed, sealed};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

/// The page size without `maxResults` (API model).
const DEFAULT_PAGE: usize = 10;

impl Handler for ListStreamsInput {
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let cluster = plane.find(ctx.caller.account, &self.cluster_identifier)?;
        let size = self.max_results.map_or(DEFAULT_PAGE, |size| size as usize);
        let mut listing = cluster.serial.0 << 32;
        planted!(plane.mutants, PageOfAnyCluster => listing = 1 << 32);
        let seal = |last| plane.page_seal(ctx.caller.account, listing | last);
        let after = match &self.next_token {
            Some(token) => read_sealed(Operation::ListStreams, token, seal)?,
            None => 0,
        };
        let mut rest = cluster.streams().iter().filter(|stream| u64::from(stream.number) > after);
        let page: Vec<_> = rest.by_ref().take(size).collect();
        let last = page.last().filter(|_| rest.next().is_some()).map(|last| u64::from(last.number));
        let next_token = last.map(|last| sealed(last, seal));
        let streams = page.into_iter().map(|stream| stream.summary(cluster.arn)).collect();
        let response = Response::ListStreams(ListStreamsOutput { next_token, streams });
        turn.answer(ctx.delivery, Arc::new(response))
    }
}

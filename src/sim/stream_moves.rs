//! The streams that a write moves from one status to another, for the trace.

use crate::control::message::Commit;
use crate::control::records::Stream;

/// The streams that a write creates, changes in status or its reason, or removes: each before and after.
pub(super) fn moved_streams(commit: &Commit) -> impl Iterator<Item = (Option<&Stream>, Option<&Stream>)> {
    let after = commit.batch.cluster.as_ref().and_then(|(_, _, after)| after.as_ref());
    let records = commit.before.cluster.as_ref().zip(after);
    let (old, new) = records.map_or((&[][..], &[][..]), |(old, new)| (old.streams(), new.streams()));
    let find = |streams: &'_ [Stream], number| streams.iter().position(|stream| stream.number == number);
    let kept = old.iter().map(move |from| (Some(from), find(new, from.number).map(|index| &new[index])));
    let created = new.iter().filter(move |to| find(old, to.number).is_none()).map(|to| (None, Some(to)));
    let state = |stream: Option<&Stream>| stream.map(|stream| (stream.status, stream.error()));
    kept.chain(created).filter(move |(from, to)| state(*from) != state(*to))
}

/// The way of a stream from one status to another.
pub(super) fn stream_move((from, to): (Option<&Stream>, Option<&Stream>)) -> String {
    let number = from.or(to).map_or(0, |stream| stream.number);
    let to = to.map_or("gone".to_owned(), stream_status);
    from.map_or(format!("stream {number} {to}"), |it| format!("stream {number} {} → {to}", stream_status(it)))
}

/// The status of a stream, with the error code that led to it.
fn stream_status(stream: &Stream) -> String {
    let status: &str = stream.status.into();
    stream.error().map_or_else(|| status.to_owned(), |error| format!("{status} ({error})"))
}

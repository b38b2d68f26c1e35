//! `dsql-sim generate`: prints the scenario of a seed.

use std::io::{self, Write};

use super::campaign::CampaignArguments;
use super::{exit, stream};

/// The arguments of `generate`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct GenerateArguments {
    /// The seed of the scenario.
    seed: u64,
    #[command(flatten)]
    campaign: CampaignArguments,
}

/// Prints the scenario of a seed, and returns the exit code.
pub(super) fn print(arguments: &GenerateArguments) -> io::Result<u8> {
    let campaign = match arguments.campaign.campaign() {
        Ok(campaign) => campaign,
        Err(message) => {
            write!(stream::stderr(), "{message}")?;
            return Ok(exit::BAD_INPUT);
        }
    };
    let comment = match &arguments.campaign.file {
        None => format!("Generated from seed {}.", arguments.seed),
        Some(path) => format!("{} with the draws and faults of seed {}.", path.display(), arguments.seed),
    };
    write!(stream::stdout(), "{}", campaign.scenario(arguments.seed).print(&comment))?;
    Ok(exit::PASS)
}

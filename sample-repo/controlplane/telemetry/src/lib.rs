//! Logging that every binary of the control plane sets up in the same way.

use tracing_subscriber::EnvFilter;

/// The revision this build was made from, `unknown` outside of CI.
pub const REVISION: &str = env!("TELEMETRY_REVISION");

/// Log to standard output, as JSON unless `plain` is asked for.
pub fn init(service: &str, plain: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    if plain {
        builder.init();
    } else {
        builder.json().init();
    }
    tracing::info!(service, revision = REVISION, "starting");
    Ok(())
}

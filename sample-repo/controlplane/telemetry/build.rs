//! Puts the revision that is being built into the binaries, for `--version` and the logs.

fn main() {
    println!("cargo:rerun-if-env-changed=BUILD_REVISION");
    let revision = std::env::var("BUILD_REVISION").unwrap_or_else(|_| "unknown".into());
    println!("cargo:rustc-env=TELEMETRY_REVISION={revision}");
}

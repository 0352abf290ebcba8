//! The control plane's HTTP endpoint: answers health probes and counts requests.

use std::net::SocketAddr;

use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[derive(Parser)]
#[command(version, about)]
struct Options {
    /// Address to listen on.
    #[arg(long, env = "SERVER_LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Log as plain text.
    #[arg(long, env = "SERVER_PLAIN_LOG")]
    plain_log: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    telemetry::init("server", options.plain_log)?;
    let listener = TcpListener::bind(options.listen).await?;
    let relations = domain::Relations::default();
    tracing::info!(address = %options.listen, relations = relations.len(), "listening");
    loop {
        let (mut stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            let mut request = [0u8; 1024];
            let read = stream.read(&mut request).await.unwrap_or(0);
            tracing::debug!(%peer, read, "request");
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n";
            let _ = stream.write_all(answer).await;
        });
    }
}

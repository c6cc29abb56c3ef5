//! Secrets that are exchanged without a restart: the configuration is read again when somebody asks for it (SIGHUP).

use std::path::PathBuf;

use crate::config::{Config, Exchanged, Overrides};

/// Reads the configuration again with every SIGHUP, where there is such a thing, and exchanges the secrets of the one that
/// runs. A file that is wrong changes nothing. The log says what came of it, by the names of keys.
///
/// The signal is taken from the moment of this call on, which is made within a runtime: before, it ends the program.
pub fn on_hangup(
    running: Config,
    file: PathBuf,
    overrides: Overrides,
) -> impl Future<Output = ()> + Send + 'static {
    #[cfg(unix)]
    let asked = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
    async move {
        #[cfg(unix)]
        if let Ok(mut asked) = asked {
            while asked.recv().await.is_some() {
                read_again(&running, &file, &overrides);
            }
        }
        #[cfg(not(unix))]
        drop((running, file, overrides));
    }
}

#[cfg(unix)]
fn read_again(running: &Config, file: &std::path::Path, overrides: &Overrides) {
    let new = match Config::load(file, overrides) {
        Ok(new) => new,
        Err(problems) => {
            for problem in problems {
                tracing::error!("{problem}");
            }
            tracing::error!("{} is wrong, so the secrets stay as they were", file.display());
            return;
        }
    };
    let Exchanged { secrets, waiting } = running.exchange(&new);
    if secrets.is_empty() {
        tracing::info!("{} was read again: no secret changed", file.display());
    } else {
        tracing::info!("{} was read again; exchanged: {}", file.display(), secrets.join(", "));
    }
    if !waiting.is_empty() {
        tracing::warn!("changed too, and waiting for a restart: {}", waiting.join(", "));
    }
}

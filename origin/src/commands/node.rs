//! `node`: who may report, and with which token.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::cli::NodeCommand;
use crate::context::Context;
use crate::database::AuditEntry;
use crate::error::OriginError;
use crate::token::Token;

pub(super) async fn run(context: &Context, command: &NodeCommand) -> Result<String, OriginError> {
    match command {
        NodeCommand::Add { name, token_file } => add(context, name, token_file.as_deref()).await,
        NodeCommand::Revoke { name } => revoke(context, name).await,
    }
}

async fn add(context: &Context, name: &str, token_file: Option<&Path>) -> Result<String, OriginError> {
    let token = Token::new(name)?;
    let database = context.database().await?;
    // The file comes first: a token that is stored but lost would block the name.
    if let Some(path) = token_file {
        write_private(path, token.text())?;
    }
    let entry = entry(context, "node-add", name);
    if let Err(error) = database.add_node(name, &token.sha256(), &entry).await {
        if let Some(path) = token_file {
            // It opens nothing; whoever finds it would only be misled.
            let _ = std::fs::remove_file(path);
        }
        return Err(error.into());
    }
    Ok(match token_file {
        Some(path) => format!("node {name}: token written to {}", path.display()),
        None => token.text().to_owned(),
    })
}

async fn revoke(context: &Context, name: &str) -> Result<String, OriginError> {
    let database = context.database().await?;
    let entry = entry(context, "node-revoke", name);
    if database.revoke_node(name, &entry).await? {
        Ok(format!("node {name}: token revoked"))
    } else {
        Err(OriginError::NodeUnknown(name.to_owned()))
    }
}

fn entry(context: &Context, action: &str, name: &str) -> AuditEntry {
    AuditEntry {
        actor: context.actor(),
        action: action.to_owned(),
        subject: format!("node {name}"),
        detail: serde_json::json!({}),
    }
}

/// A file that nobody else could read at any moment; one that exists is not touched.
fn write_private(path: &Path, text: &str) -> Result<(), OriginError> {
    let failed = |what| {
        let path = path.to_path_buf();
        move |source| OriginError::File { what, path, source }
    };
    let mut file =
        File::options().write(true).create_new(true).mode(0o600).open(path).map_err(failed("create"))?;
    writeln!(file, "{text}").and_then(|()| file.sync_all()).map_err(failed("write"))
}

//! Whose request it is.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::Server;
use super::rejection::Rejection;
use crate::token::Token;

/// The node that the token belongs to.
pub(super) async fn authenticate(server: &Server, headers: &HeaderMap) -> Result<String, Rejection> {
    let refuse = |code, message| Rejection::new(StatusCode::UNAUTHORIZED, code, message);
    let value = headers.get(header::AUTHORIZATION).map(HeaderValue::to_str);
    let Some((scheme, shown)) = value.and_then(|value| value.ok()?.split_once(' ')) else {
        return Err(refuse("token-missing", "this needs `Authorization: Bearer …`"));
    };
    let wrong = || refuse("token-wrong", "the token is not a node's");
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(wrong());
    }
    let token = Token::parse(shown.trim()).ok_or_else(wrong)?;
    let kept_sha256 = server.database.node_token_sha256(token.node()).await?;
    // A name that nobody has takes as long as a wrong token.
    let is_known = token.is(&kept_sha256.unwrap_or([0; 32]));
    if is_known && kept_sha256.is_some() { Ok(token.node().to_owned()) } else { Err(wrong()) }
}

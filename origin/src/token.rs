//! What a node shows the origin: its name and 256 random bits.
//!
//! `edge-1.4f0c…` (64 hexadecimal digits). The origin keeps the SHA-256 of the whole: it is compared
//! in constant time, and who reads the database learns no token.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;

use crate::error::OriginError;

/// A node's token.
pub struct Token {
    text: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

const SECRET_BYTES: usize = 32;

impl Token {
    /// A new one; the name is 1 to 32 ASCII letters, digits, `-` or `_`.
    pub fn new(node: &str) -> Result<Self, OriginError> {
        if !is_name(node) {
            return Err(OriginError::NodeName(node.to_owned()));
        }
        let mut secret = [0; SECRET_BYTES];
        rand::fill(&mut secret).map_err(|_| OriginError::Randomness)?;
        let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { text: format!("{node}.{digits}") })
    }

    /// Reads what a request shows; none if it cannot be a token.
    pub fn parse(text: &str) -> Option<Self> {
        let (node, digits) = text.split_once('.')?;
        let is_secret = digits.len() == 2 * SECRET_BYTES && digits.bytes().all(|b| b.is_ascii_hexdigit());
        (is_name(node) && is_secret).then(|| Self { text: text.to_owned() })
    }

    /// Whose it says it is.
    pub fn node(&self) -> &str {
        self.text.split_once('.').map_or("", |(node, _)| node)
    }

    /// What the node keeps; secret.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the origin keeps.
    pub fn sha256(&self) -> [u8; 32] {
        let digest = digest(&SHA256, self.text.as_bytes());
        digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// Whether it is the one whose digest was kept; takes equally long for every wrong one.
    pub fn is(&self, kept_sha256: &[u8; 32]) -> bool {
        verify_slices_are_equal(&self.sha256(), kept_sha256).is_ok()
    }
}

/// As the messages name a node.
fn is_name(node: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !node.is_empty() && node.len() <= wire::limits::LABEL_CHARS_MAX && node.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_digest_and_no_other_is() {
        let token = Token::new("edge-1").unwrap();
        let other = Token::new("edge-1").unwrap();
        let shown = Token::parse(token.text()).unwrap();
        assert_eq!(shown.node(), "edge-1");
        assert!(shown.is(&token.sha256()));
        assert!(!other.is(&token.sha256()));
    }

    #[test]
    fn the_digest_is_that_of_the_whole_text() {
        let token = Token::parse(&format!("edge-1.{}", "0".repeat(64))).unwrap();
        // printf 'edge-1.000…' | sha256sum
        let expected = "42664be49ee628625ed14a533ba818cf789a1e069ab1751afbcff410bc9a4ee3";
        let digits: String = token.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digits, expected);
    }

    #[test]
    fn what_cannot_be_a_token_is_none() {
        for text in ["", "edge-1", "edge-1.", "edge-1.00", "../x.00", &format!(".{}", "0".repeat(64))] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
        let not_hex = format!("edge-1.{}", "g".repeat(64));
        assert!(Token::parse(&not_hex).is_none());
    }

    #[test]
    fn a_name_that_would_break_the_form_is_refused() {
        for name in ["", "a.b", "a b", &"a".repeat(33)] {
            assert_eq!(Token::new(name).unwrap_err().code(), "node-name");
        }
    }
}

//! Text to bytes, quickly: the encoder of `encoding_rs` searches its tables for every hanzi.

/// How a report is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// GB18030, as the classic reports are.
    Gb18030,
    /// UTF-8 with a byte order mark, as newer ones are.
    Utf8Bom,
}

/// Turns rows into bytes.
pub(crate) enum Encoder {
    /// Two bytes for each character of the basic plane that has them, else 0.
    Gb18030(Vec<u16>),
    Utf8,
}

impl Encoder {
    /// An encoder, and the bytes that stand before the first row.
    pub(crate) fn new(encoding: Encoding) -> (Self, &'static [u8]) {
        match encoding {
            Encoding::Gb18030 => (Self::Gb18030(two_byte_codes()), b""),
            Encoding::Utf8Bom => (Self::Utf8, b"\xEF\xBB\xBF"),
        }
    }

    /// Appends `text` to `out`.
    pub(crate) fn encode(&self, text: &str, out: &mut Vec<u8>) {
        let Self::Gb18030(codes) = self else {
            out.extend_from_slice(text.as_bytes());
            return;
        };
        let mut buffer = [0u8; 4];
        for c in text.chars() {
            match (u8::try_from(c), codes.get(c as usize)) {
                (Ok(byte), _) if byte < 0x80 => out.push(byte),
                (_, Some(&code)) if code != 0 => out.extend_from_slice(&code.to_be_bytes()),
                _ => {
                    let text = c.encode_utf8(&mut buffer);
                    out.extend_from_slice(&encoding_rs::GB18030.encode(text).0);
                }
            }
        }
    }
}

/// The two-byte half of GB18030, got by decoding all of it once.
fn two_byte_codes() -> Vec<u16> {
    let mut codes = vec![0u16; 0x1_0000];
    for lead in 0x81..=0xFEu8 {
        for trail in (0x40..=0xFEu8).filter(|trail| *trail != 0x7F) {
            let bytes = [lead, trail];
            let (text, _, wrong) = encoding_rs::GB18030.decode(&bytes);
            let mut chars = text.chars();
            if let (false, Some(c), None) = (wrong, chars.next(), chars.next())
                && let Some(code @ 0) = codes.get_mut(c as usize)
            {
                *code = u16::from_be_bytes(bytes);
            }
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_encoding_rs() {
        let (encoder, _) = Encoder::new(Encoding::Gb18030);
        let text: String = (0x20..0x3_0000).step_by(7).filter_map(char::from_u32).collect();
        let mut bytes = Vec::new();
        encoder.encode(&text, &mut bytes);
        assert_eq!(bytes, encoding_rs::GB18030.encode(&text).0.as_ref());
    }
}

//! Which encoding a text is in, and why one thinks so.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};

use crate::evidence::Evidence;

/// What is believed about the encoding of a text.
#[derive(Debug, Clone)]
pub(crate) struct Guess {
    pub encoding: &'static Encoding,
    /// What a person is told: `GB18030`, `UTF-8 with BOM`.
    pub name: String,
    /// Bytes of the mark at the start, to be passed over.
    pub bom_len: usize,
    /// Only ASCII so far: the encoding is settled by the first other byte.
    pub undecided: bool,
    pub evidence: Evidence,
}

/// The name a person knows; the standard writes some in lower case.
pub(crate) fn display_name(encoding: &'static Encoding) -> String {
    if encoding == GB18030 { "GB18030".to_owned() } else { encoding.name().to_owned() }
}

impl Guess {
    fn new(encoding: &'static Encoding, evidence: Evidence) -> Self {
        Self { encoding, name: display_name(encoding), bom_len: 0, undecided: false, evidence }
    }
}

/// Reads a label such as `gbk` or `UTF-8`. GBK means its superset GB18030.
pub(crate) fn by_label(label: &str) -> Option<&'static Encoding> {
    let found = Encoding::for_label(label.trim().as_bytes())?;
    Some(if found == GBK { GB18030 } else { found })
}

/// Share of two-byte characters of `sample` that lie in the GB2312 plane, in percent, or `None` if the
/// sample is not GB18030 at all. Bytes cut off at the end are forgiven.
fn gb_share(sample: &[u8]) -> Option<(usize, usize)> {
    let (mut index, mut plain, mut pairs) = (0, 0, 0);
    while index < sample.len() {
        let lead = sample[index];
        if lead < 0x80 {
            index += 1;
            continue;
        }
        if lead == 0x80 || lead == 0xFF {
            return None;
        }
        let Some(trail) = sample.get(index + 1) else { break };
        match trail {
            0x30..=0x39 => {
                let Some(rest) = sample.get(index + 2..index + 4) else { break };
                if !(0x81..=0xFE).contains(&rest[0]) || !rest[1].is_ascii_digit() {
                    return None;
                }
                index += 4;
            }
            0x40..=0x7E | 0x80..=0xFE => {
                pairs += 1;
                if (0xA1..=0xF7).contains(&lead) && *trail >= 0xA1 {
                    plain += 1;
                }
                index += 2;
            }
            _ => return None,
        }
    }
    Some((plain, pairs))
}

/// Decides from the beginning of a file; `whole` says that nothing follows.
pub(crate) fn detect(sample: &[u8], whole: bool) -> Guess {
    if let Some((encoding, bom_len)) = Encoding::for_bom(sample) {
        let mut guess =
            Guess::new(encoding, Evidence::ByteOrderMark { encoding: display_name(encoding) });
        guess.bom_len = bom_len;
        if encoding == UTF_8 {
            guess.name = "UTF-8 with BOM".to_owned();
        }
        debug_assert!(encoding == UTF_8 || encoding == UTF_16LE || encoding == UTF_16BE);
        return guess;
    }
    if sample.is_ascii() {
        let mut guess = Guess::new(UTF_8, Evidence::OnlyAscii);
        guess.name = "ASCII".to_owned();
        guess.undecided = true;
        return guess;
    }
    match std::str::from_utf8(sample) {
        Ok(_) => {
            return Guess::new(UTF_8, Evidence::ValidUtf8);
        }
        Err(error) if !whole && error.error_len().is_none() => {
            return Guess::new(UTF_8, Evidence::ValidUtf8);
        }
        Err(error) => {
            // One slip in a long UTF-8 text does not make it Chinese: three-byte characters that happen
            // to be valid are overwhelming evidence.
            let valid = sample[..error.valid_up_to()].iter().filter(|byte| **byte >= 0x80).count();
            if valid >= 60 {
                return Guess::new(
                    UTF_8,
                    Evidence::MostlyUtf8 { bytes: valid, at: error.valid_up_to() + 1 },
                );
            }
        }
    }
    if let Some((plain, pairs)) = gb_share(sample)
        && pairs > 0
        && plain * 10 >= pairs * 9
    {
        return Guess::new(GB18030, Evidence::CommonChinese { common: plain, pairs });
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, whole);
    let guess = detector.guess(Some(b"cn"), Utf8Detection::Deny);
    let encoding = if guess == GBK { GB18030 } else { guess };
    Guess::new(encoding, Evidence::LetterStatistics { encoding: display_name(encoding) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "订单编号,买家会员名\n3515,测试买家一";

    #[test]
    fn marks_decide() {
        let guess = detect("\u{feff}订单".as_bytes(), true);
        assert_eq!((guess.name.as_str(), guess.bom_len), ("UTF-8 with BOM", 3));
        let utf16: Vec<u8> = [0xFEFF_u16]
            .into_iter()
            .chain(TEXT.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(detect(&utf16, true).encoding, UTF_16LE);
    }

    #[test]
    fn content_decides_without_a_mark() {
        assert_eq!(detect(TEXT.as_bytes(), true).encoding, UTF_8);
        let (gbk, _, _) = GB18030.encode(TEXT);
        assert_eq!(detect(&gbk, true).encoding, GB18030);
        assert!(detect(b"a,b\n1,2", true).undecided);
        let (latin, _, _) = encoding_rs::WINDOWS_1252.encode("café,naïve,Müller über señor\n");
        assert_ne!(detect(&latin, true).encoding, UTF_8);
    }

    #[test]
    fn a_character_cut_off_by_the_sample_is_forgiven() {
        let bytes = TEXT.as_bytes();
        assert_eq!(detect(&bytes[..bytes.len() - 1], false).encoding, UTF_8);
        let (gbk, _, _) = GB18030.encode(TEXT);
        assert_eq!(detect(&gbk[..gbk.len() - 1], false).encoding, GB18030);
    }

    #[test]
    fn labels() {
        assert_eq!(by_label("gbk"), Some(GB18030));
        assert_eq!(by_label(" UTF-8 "), Some(UTF_8));
        assert_eq!(by_label("klingon"), None);
    }
}

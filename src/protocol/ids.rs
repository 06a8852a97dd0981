//! Compares request ids (JSON-RPC 2.0, section 4). Progress tokens are request ids.

use super::json_strings;

/// The value of a numeric id in JSON text, in any notation. Some servers return a number as a string: other clients
/// accept that, and it is unambiguous because this client's ids are numbers.
pub fn number(raw: &str) -> Option<u64> {
    let quoted = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"'));
    let digits = quoted.unwrap_or(raw);
    let is_canonical = digits == "0" || digits.starts_with(|first: char| ('1'..='9').contains(&first));
    match digits.parse().ok().filter(|_| is_canonical) {
        None if quoted.is_none() => Decimal::read(raw)?.to_u64(),
        number => number,
    }
}

/// Whether an id in JSON text is the number `ours`.
pub fn is_id(raw: &str, ours: u64) -> bool {
    number(raw) == Some(ours)
}

/// Whether two ids in JSON text are equal: a number and a string are not.
pub fn is_same_id(one: &str, other: &str) -> bool {
    let is_text = |raw: &str| raw.len() >= 2 && raw.starts_with('"');
    match (is_text(one), is_text(other)) {
        (true, true) => one == other || json_strings::decode(one) == json_strings::decode(other),
        (false, false) => one == other || Decimal::read(one).is_some_and(|one| Some(one) == Decimal::read(other)),
        _ => false,
    }
}

/// The exact value of a JSON number: `digits`, without leading or trailing zeros, times ten to the power of `exponent`.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    /// Empty for zero.
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn read(raw: &str) -> Option<Decimal> {
        let (is_negative, rest) = raw.strip_prefix('-').map_or((false, raw), |rest| (true, rest));
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: String = [whole, fraction].concat();
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = all.trim_start_matches('0');
        let digits = significant.trim_end_matches('0');
        if digits.is_empty() {
            return Some(Decimal { is_negative: false, digits: String::new(), exponent: 0 });
        }
        // No id has an exponent outside of 64 bits.
        let exponent: i64 = exponent.parse().ok()?;
        let shift = i64::try_from(significant.len() - digits.len()).ok()? - i64::try_from(fraction.len()).ok()?;
        Some(Decimal { is_negative, digits: digits.to_owned(), exponent: exponent.checked_add(shift)? })
    }

    /// The value, if it is an integer that fits.
    fn to_u64(&self) -> Option<u64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let power = 10u64.checked_pow(u32::try_from(self.exponent).ok()?)?;
        self.digits.parse::<u64>().ok().filter(|_| !self.is_negative)?.checked_mul(power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        for raw in ["12", "12.0", "12e0", "1.2e1", "120e-1", "0.12E+2", "12.000", "0.00012e5", "1200000e-5"] {
            assert!(is_id(raw, 12) && is_same_id(raw, "12"), "{raw}");
        }
        for raw in [
            "12.5",
            "12e1",
            "-12",
            "1.2",
            "12e-1",
            "12e99999999999999999999",
            "12e-99999999999999999999",
            "",
            "-",
            "e1",
            "x",
        ] {
            assert!(!is_id(raw, 12), "{raw}");
        }
        for zero in ["0", "0.0", "-0", "0e7", "-0.0E-7", "0e99999999999999999999"] {
            assert!(is_id(zero, 0), "{zero}");
        }
        assert!(is_id("18446744073709551615.0", u64::MAX) && !is_id("18446744073709551616.0", u64::MAX));
        assert!(is_id("9007199254740993.0", 9007199254740993) && !is_id("9007199254740992.0", 9007199254740993));
        assert!(
            !is_id(&format!("1{}", "0".repeat(100_000)), 1) && is_id(&format!("1{}e-100000", "0".repeat(100_000)), 1)
        );
        assert!(is_same_id("1.50", "15e-1") && !is_same_id("1.5", "1.6") && !is_same_id("1", "-1"));
        assert!(is_same_id(r#""a""#, r#""\u0061""#) && !is_same_id("1", "\"1\"") && !is_same_id("\"", "1"));
    }

    #[test]
    fn a_server_may_return_an_id_as_a_string() {
        assert!(is_id("12", 12) && is_id("\"12\"", 12));
        assert!(!is_id("13", 12) && !is_id("\"12", 12) && !is_id("null", 12));
        assert!(!is_id("\"+12\"", 12) && !is_id("\"012\"", 12));
    }
}

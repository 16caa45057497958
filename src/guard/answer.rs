//! Which word a person must type to let a line run on production. It decides nothing about the line.

/// The word asked for where the target has no name that can be typed.
pub const GENERAL: &str = "production";

const SHORTEST: usize = 4;
const LONGEST: usize = 24;

/// The shortest name that tells this target from others: the target itself where it can be typed, else the last part
/// of its path or the first label of its host name. An empty target (nobody knows it) asks for [`GENERAL`].
pub fn expected(target: &str) -> &str {
    let last = target.rsplit(['/', ':']).next().unwrap_or_default();
    let first = target.split('.').next().unwrap_or_default();
    [target, last, first].into_iter().find(|name| can_be_typed(name)).unwrap_or(GENERAL)
}

fn can_be_typed(name: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_name_that_can_be_typed() {
        let long = "x".repeat(25);
        for (target, word) in [
            ("prod-eu", "prod-eu"),
            ("", "production"),
            ("eu", "production"),
            ("prod", "prod"),
            ("prod db", "production"),
            ("прод-1", "production"),
            ("prod\x1b[2J", "production"),
            ("arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu", "prod-eu"),
            ("orders.prod.eu-west-1.rds.acme.example", "orders"),
            (&long, "production"),
            ("db.prod.acme.example", "db.prod.acme.example"),
        ] {
            assert_eq!(expected(target), word, "{target}");
        }
    }
}

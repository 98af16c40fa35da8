//! What was probably meant by a name that does not exist.

/// The name nearest to `name`, if it is near: `, did you mean Relu?`, and nothing otherwise.
pub fn did_you_mean<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    if name.len() > LONGEST {
        return String::new();
    }
    let near = names.into_iter().map(|n| (distance(name, n), n)).min();
    match near.filter(|(d, n)| *d <= n.len().max(name.len()) / 3) {
        Some((_, n)) => format!(", did you mean {n}?"),
        None => String::new(),
    }
}

/// Longer names are not compared.
const LONGEST: usize = 64;

/// Number of letters to insert, remove, replace or exchange with their neighbour, upper and lower case being the same.
fn distance(a: &str, b: &str) -> usize {
    let lower = |s: &str| s.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (a, b) = (lower(a), lower(b));
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let mut d = (rows[i][j] + usize::from(a[i] != b[j])).min(row[j] + 1).min(rows[i][j + 1] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                d = d.min(rows[i - 1][j - 1] + 1);
            }
            row.push(d);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_suggested() {
        let names = ["Relu", "Conv", "ReduceSum"];
        assert_eq!(did_you_mean("Rleu", names), ", did you mean Relu?");
        assert_eq!(did_you_mean("conv2d", names), ", did you mean Conv?");
        assert_eq!(did_you_mean("FancyOp", names), "");
        assert_eq!(did_you_mean("", names), "");
    }
}

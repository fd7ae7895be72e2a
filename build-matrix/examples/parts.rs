fn main() {
    let a: Vec<_> = std::env::args().collect();
    let s = std::fs::read(&a[1]).unwrap();
    let w = std::fs::read(&a[2]).unwrap();
    let p = build_matrix::measure::sizes::by_part(&s, &w).unwrap();
    let n: u64 = p.iter().map(|x| x.1).sum();
    assert_eq!(n, s.len() as u64);
    for (k, v) in p.iter().take(400) {
        println!("{v:>9} {k}");
    }
}

use super::*;

#[test]
fn t() {
    for (g, n) in [(1u32, 60u64), (2, 65), (3, 70), (5, 75)] {
        let rule = Rule { statistic: Statistic::Exact, threshold: 0.05, min_samples: 20 };
        let d = Division { alpha: 0.05, gates: g, functions: 1, sources: 1, looks: 5 };
        for r in [0.01, 0.05, 0.25] {
            println!("{g} {n} {r} {:?}", Outcome::of(rule, d, &[n / 5; 5], r));
        }
        println!("{d} {:?}", Foresight::of(rule, d, 8));
    }
}

use super::compose::draw;
use super::*;

#[test]
fn every_domain_gives_sound_worlds_at_every_level() {
    let mut wrong = Vec::new();
    for (at, domain) in domains().iter().enumerate() {
        for complexity in Complexity::all() {
            let seed = at as u64 * 10 + u64::from(complexity.level());
            let world = draw(domain, complexity, seed, 0);
            if let Err(cause) = check_world(&world.yaml, &world.name, 0..2) {
                wrong.push(format!("{} level {} seed {seed}: {cause}", domain.id, complexity.level()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} fail:\n{}", wrong.len(), wrong.join("\n"));
}

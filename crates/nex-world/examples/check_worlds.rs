//! Loads world files and generates their states; prints what is wrong.
fn main() {
    for path in std::env::args().skip(1) {
        match nex_world::World::load(&path) {
            Err(error) => println!("{path}: {error}"),
            Ok(world) => {
                for seed in 0..20 {
                    for language in [nex_world::Language::En, nex_world::Language::Zh] {
                        if let Err(error) =
                            nex_world::WorldSession::new(world.clone(), seed, Default::default())
                        {
                            println!("{path}: seed {seed} {language:?}: {error}");
                        }
                    }
                }
                println!("{path}: {} operations", world.operations().len());
            }
        }
    }
}

use nex_train::*;
use std::sync::Arc;
use std::time::Instant;
fn main() {
    for (l, h, d) in [(3, 3, 96), (6, 6, 192)] {
        let model = Arc::new(Model::new(ModelConfig::new(l, h, d, 2048, 512), 1).unwrap());
        let mut dec = Decoder::new(model.clone(), 64, 256);
        let s = dec.open().unwrap();
        let t = Instant::now();
        dec.extend(&[Piece { slot: s, tokens: &vec![1; 128], answers: None }]).unwrap();
        println!("prefill {:?}", t.elapsed());
        let mut best = f64::MAX;
        for _ in 0..100 {
            let t = Instant::now();
            dec.extend(&[Piece { slot: s, tokens: &[1], answers: None }]).unwrap();
            best = best.min(t.elapsed().as_secs_f64());
        }
        println!("B1 best {:.1} us", best * 1e6);
        dec.close(s);
        let slots: Vec<Slot> = (0..64).map(|_| dec.open().unwrap()).collect();
        let p = vec![1u32; 128];
        let pieces: Vec<Piece> =
            slots.iter().map(|s| Piece { slot: *s, tokens: &p, answers: None }).collect();
        let t = Instant::now();
        dec.extend(&pieces).unwrap();
        println!("prefill64 {:?}", t.elapsed());
        let pieces: Vec<Piece> =
            slots.iter().map(|s| Piece { slot: *s, tokens: &[1], answers: None }).collect();
        let mut best = f64::MAX;
        for _ in 0..40 {
            let t = Instant::now();
            dec.extend(&pieces).unwrap();
            best = best.min(t.elapsed().as_secs_f64());
        }
        println!("B64 best {:.1} us = {:.1} us/token", best * 1e6, best * 1e6 / 64.0);
    }
    let t = Instant::now();
    for _ in 0..1000000 {}
}

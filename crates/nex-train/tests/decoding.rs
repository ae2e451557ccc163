//! The decoder computes what the training forward computes, however a sequence is cut and batched.

use nex_train::{
    Decoder, Ended, Link, Model, ModelConfig, PackedRow, Piece, Request, Sampling, ToolBias, Workspace,
    generate, generate_on_threads,
};
use std::sync::Arc;

fn model(options: bool) -> Arc<Model> {
    let mut config = ModelConfig::new(2, 3, 24, 29, 320);
    if options {
        config.smeared_keys = true;
        config.tied_embeddings = false;
        config.tool_bias = ToolBias::Learned { initial: 1.5 };
    }
    let mut model = Model::new(config, 5).unwrap();
    for (i, number) in model.parameters.iter_mut().enumerate() {
        *number += 0.2 * (i as f32 * 1.3).sin();
    }
    Arc::new(model)
}

fn tokens(count: usize, step: usize) -> Vec<u32> {
    (0..count).map(|i| ((i * step + i * i % 7) % 29) as u32).collect()
}

/// Logits at every position by the training forward.
fn expected(model: &Model, tokens: &[u32], links: &[Link]) -> Vec<f32> {
    let mut row = PackedRow::default();
    row.push(tokens, &vec![false; tokens.len()], links);
    let mut workspace = Workspace::new(&model.config, 320, false);
    workspace.forward(&model.parameters, &row).unwrap();
    let output = &model.parameters[output_range(model)];
    let d = model.config.hidden;
    let rows = workspace.hidden()[..tokens.len() * d].chunks_exact(d);
    rows.flat_map(|h| output.chunks_exact(d).map(|w| h.iter().zip(w).map(|(a, b)| a * b).sum::<f32>()))
        .collect()
}

fn output_range(model: &Model) -> std::ops::Range<usize> {
    let name = if model.config.tied_embeddings { "gpt_neox.embed_in.weight" } else { "embed_out.weight" };
    model.layout.tensors().iter().find(|tensor| tensor.name == name).unwrap().range.clone()
}

fn close(a: &[f32], b: &[f32]) {
    let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(a.len() == b.len() && worst <= 1e-4, "logits differ by {worst}");
}

#[test]
fn logits_equal_those_of_the_training_forward() {
    for options in [false, true] {
        let model = model(options);
        let all = tokens(300, 5);
        let links = [Link { call: 4..9, output: 12..20 }, Link { call: 20..25, output: 30..290 }];
        let links = if options { &links[..] } else { &[] };
        let logits = expected(&model, &all, links);
        let answers = |at: usize| links.iter().find(|l| l.output.contains(&at)).map(|l| l.call.clone());
        // Pieces end where an output begins or ends.
        for sizes in [vec![1], vec![12, 8, 10, 260, 10], vec![3, 9, 1, 7, 10, 100, 160, 1]] {
            let mut decoder = Decoder::new(model.clone(), 1, 320);
            let slot = decoder.open().unwrap();
            let (mut at, mut cut) = (0, 0);
            while at < all.len() {
                let end = (at + sizes[cut.min(sizes.len() - 1)]).min(all.len());
                cut += 1;
                let piece = Piece { slot, tokens: &all[at..end], answers: answers(at) };
                let got = decoder.extend(&[piece]).unwrap();
                close(got, &logits[(end - 1) * 29..end * 29]);
                at = end;
            }
        }
    }
}

#[test]
fn slots_of_other_lengths_do_not_see_each_other() {
    let model = model(true);
    let mut decoder = Decoder::new(model.clone(), 6, 64);
    let sequences: Vec<Vec<u32>> = (0..6).map(|i| tokens(3 + 7 * i, i + 2)).collect();
    let slots: Vec<_> = sequences.iter().map(|_| decoder.open().unwrap()).collect();
    assert!(decoder.open().is_none());
    let prompts: Vec<Piece<'_>> = slots
        .iter()
        .zip(&sequences)
        .map(|(slot, tokens)| Piece { slot: *slot, tokens: &tokens[..tokens.len() - 2], answers: None })
        .collect();
    decoder.extend(&prompts).unwrap();
    for back in [2, 1] {
        let pieces: Vec<Piece<'_>> = slots
            .iter()
            .zip(&sequences)
            .map(|(slot, t)| Piece { slot: *slot, tokens: &t[t.len() - back..][..1], answers: None })
            .collect();
        let logits = decoder.extend(&pieces).unwrap().to_vec();
        for (sequence, logits) in sequences.iter().zip(logits.chunks_exact(29)) {
            let end = sequence.len() - back + 1;
            close(logits, &expected(&model, sequence, &[])[(end - 1) * 29..end * 29]);
        }
    }
}

#[test]
fn a_slot_is_used_again_and_a_copy_goes_its_own_way() {
    let model = model(true);
    let mut decoder = Decoder::new(model.clone(), 2, 64);
    let first = decoder.open().unwrap();
    decoder.extend(&[Piece { slot: first, tokens: &tokens(40, 3), answers: None }]).unwrap();
    decoder.close(first);
    let slot = decoder.open().unwrap();
    let prompt = tokens(9, 4);
    decoder.extend(&[Piece { slot, tokens: &prompt, answers: None }]).unwrap();
    let copy = decoder.open().unwrap();
    decoder.copy(slot, copy);
    let pieces =
        [Piece { slot, tokens: &[1], answers: None }, Piece { slot: copy, tokens: &[2, 3], answers: None }];
    let logits = decoder.extend(&pieces).unwrap().to_vec();
    for (tail, logits) in [&[1][..], &[2, 3]].into_iter().zip(logits.chunks_exact(29)) {
        let all = [&prompt, tail].concat();
        close(logits, &expected(&model, &all, &[])[(all.len() - 1) * 29..]);
    }
}

#[test]
fn pieces_that_do_not_fit_are_refused_and_nothing_is_appended() {
    let mut decoder = Decoder::new(model(true), 1, 8);
    let slot = decoder.open().unwrap();
    let mut told =
        |tokens: &[u32], answers| decoder.extend(&[Piece { slot, tokens, answers }]).unwrap_err().to_string();
    assert_eq!(told(&[], None), "slot 0: there is nothing to append");
    assert_eq!(told(&[29], None), "slot 0: token 29 is outside the vocabulary of 29");
    assert_eq!(told(&[1; 9], None), "slot 0: 9 tokens do not fit its 8");
    assert_eq!(told(&[1], Some(0..1)), "slot 0: the call at 0..1 does not stand before position 0");
    assert_eq!(decoder.length(slot), 0);
    decoder.close(slot);
    let closed = decoder.extend(&[Piece { slot, tokens: &[1], answers: None }]).unwrap_err();
    assert_eq!(closed.to_string(), "slot 0: it is not open");
}

#[test]
fn generation_has_the_probabilities_that_training_computes() {
    let model = model(false);
    let request = |i: usize| Request {
        prompt: tokens(3 + i, i + 1),
        max_tokens: 5 + 3 * i,
        stop: vec![28],
        sampling: Sampling::default(),
        seed: i as u64,
    };
    let requests: Vec<Request> = (0..9).map(request).collect();
    // Fewer slots than requests: they are refilled.
    let mut decoder = Decoder::new(model.clone(), 4, 64);
    let generations = generate(&mut decoder, &requests, None).unwrap();
    assert_eq!(generations, generate(&mut decoder, &requests, None).unwrap());
    for (request, generation) in requests.iter().zip(&generations) {
        let sampled: Vec<u32> = generation.tokens.iter().map(|sampled| sampled.token).collect();
        let all = [request.prompt.as_slice(), &sampled].concat();
        let logits = expected(&model, &all, &[]);
        for (i, sampled) in generation.tokens.iter().enumerate() {
            let row = &logits[(request.prompt.len() + i - 1) * 29..][..29];
            let log_sum = row.iter().map(|logit| logit.exp()).sum::<f32>().ln();
            let expected = row[sampled.token as usize] - log_sum;
            assert!((sampled.log_probability - expected).abs() < 1e-4);
        }
        let ends = sampled.last() == Some(&28);
        assert_eq!(generation.ended, if ends { Ended::Stop } else { Ended::Length });
        assert!(ends || sampled.len() == request.max_tokens);
    }
    let parted = generate_on_threads(&model, &requests, 3, 2, None).unwrap();
    for (a, b) in generations.iter().zip(&parted) {
        assert_eq!(
            a.tokens.iter().map(|s| s.token).collect::<Vec<_>>(),
            b.tokens.iter().map(|s| s.token).collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_mask_forbids_tokens_and_a_full_slot_ends_generation() {
    let model = model(false);
    let mut decoder = Decoder::new(model, 1, 12);
    let request = Request {
        prompt: vec![1, 2, 3],
        max_tokens: 100,
        stop: vec![],
        sampling: Sampling::default(),
        seed: 1,
    };
    let even = |_: usize, _: &[nex_train::Sampled], logits: &mut [f32]| {
        logits.iter_mut().skip(1).step_by(2).for_each(|logit| *logit = f32::NEG_INFINITY);
    };
    let generation = generate(&mut decoder, &[request], Some(&even)).unwrap().remove(0);
    assert!(generation.tokens.iter().all(|sampled| sampled.token % 2 == 0));
    assert!(generation.tokens.iter().all(|sampled| sampled.log_probability > sampled.model_log_probability));
    // Twelve stand in the slot, and one that was drawn from the last of them.
    assert_eq!((generation.tokens.len(), generation.ended), (10, Ended::ContextFull));
}

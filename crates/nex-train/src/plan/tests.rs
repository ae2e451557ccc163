use super::*;

#[test]
fn a_small_model_by_hand() {
    // 3·(4·96² + 2·96·384 + 4·96) + 2048·96 + 2·96
    let plan = plan(&preset("small").unwrap()).unwrap();
    assert_eq!(plan.parameters, 529_728.0);
    assert_eq!(plan.multiplied, 528_384.0);
    // 3·(2·528384 + 4·3·96·256)
    assert_eq!(plan.flops_per_token, 4_055_040.0);
    assert_eq!(plan.tokens, 15_360_000.0);
    let hours = 4_055_040.0 * 15_360_000.0 / 75e9 / 3600.0;
    assert!((plan.device_hours - hours).abs() < 1e-9);
    assert_eq!(plan.state_bytes, 16.0 * 529_728.0);
    assert_eq!(plan.activation_bytes_per_token, 3.0 * (4.0 * 960.0 + 4.0 * 5.0));
    assert_eq!(plan.steps, 3750.0);
}

#[test]
fn the_count_is_the_layouts() {
    for name in ["small", "medium", "large"] {
        let model = preset(name).unwrap().model;
        assert_eq!(parameter_count(&model), Layout::new(&model).parameter_count() as f64);
    }
}

#[test]
fn the_published_model_and_where_it_does_not_agree() {
    let plan = plan(&preset("nexus-1").unwrap()).unwrap();
    assert!((plan.parameters / 274.9e9 - 1.0).abs() < 1e-3, "{}", plan.parameters);
    assert!((plan.tokens / 93.94e9 - 1.0).abs() < 1e-3);
    let told = disagreements().unwrap();
    for fact in
        ["give 275 G, not 405 G", "359 G", "508 k A100-hours at 40 %, not 7680: 66 times", "0.01 of the"]
    {
        assert!(told.contains(fact), "{fact} is not in:\n{told}");
    }
}

#[test]
fn numbers_are_short() {
    for (number, told) in [
        (0.5, "0.50"),
        (7.0, "7"),
        (999.7, "1.00 k"),
        (999.2, "999"),
        (1_000.0, "1.00 k"),
        (529_728.0, "530 k"),
        (274.9e9, "275 G"),
        (2.28e23, "228 Z"),
    ] {
        assert_eq!(short(number), told);
    }
    assert!(preset("nexus-2").unwrap_err().to_string().contains("there are nexus-1, small"));
}

use super::*;

const SENTENCES: &[(&str, &str)] = &[
    ("outpatient_clinic", "patients ring to book appointments with their doctor"),
    ("hospital_ward", "admissions and beds of a hospital"),
    ("pharmacy", "dispense medicine on prescription"),
    ("veterinary_practice", "a vet who treats dogs and cats"),
    ("medical_laboratory", "samples are analysed in our blood lab"),
    ("freight_forwarding", "freight shipments and their carriers"),
    ("air_cargo", "cargo that flies from the airport on an air waybill"),
    ("container_port", "vessels that wait for a berth in the harbour"),
    ("railway_operations", "trains, tracks and signals"),
    ("vehicle_fleet", "the vehicles and drivers of our fleet"),
    ("bicycle_rental", "bike rental for cyclists"),
    ("public_library", "readers borrow books from the library"),
    ("election_office", "voters send in their ballots for the election"),
    ("court_registry", "lawsuits and hearings before a judge"),
    ("patent_office", "inventors file patents"),
    ("social_housing", "tenants report repairs in their flats"),
    ("relief_charity", "a charity that gives aid from donations"),
    ("archive_service", "historical manuscripts in an archive"),
    ("adult_education", "students enrol in courses with teachers"),
    ("insurance_claims", "insurance claims after an accident"),
    ("consumer_lending", "a bank that grants loans to borrowers"),
    ("recruiting", "candidates apply for jobs and come to interviews"),
    ("it_service_desk", "tickets about computers and software outages"),
    ("code_review", "developers review the code of pull requests before they merge"),
    ("incident_response", "a soc that answers malware and phishing incidents"),
    ("telecom_provisioning", "broadband and mobile lines of a telecom"),
    ("online_shop", "an e-commerce shop with refunds of purchases"),
    ("auction_house", "bidders and lots at an auction"),
    ("power_grid", "outages of the electricity grid"),
    ("farm_cooperative", "farmers harvest their crops"),
    ("water_supply", "leaking pipes and water meters"),
    ("waste_collection", "garbage bins and recycling"),
    ("building_site", "construction of buildings with cranes"),
    ("machine_factory", "production in a manufacturing plant"),
    ("food_inspection", "hygiene inspections of restaurant kitchens"),
    ("launch_site", "rockets bring satellites into orbit"),
    ("art_museum", "exhibitions and paintings of a museum"),
    ("film_production", "shooting a movie with actors"),
    ("sports_club", "football matches and tennis coaches"),
    ("newsroom", "reporters write news stories"),
    ("game_studio", "designers of a videogame and its levels"),
    ("tour_operator", "holidays and excursions for travellers"),
    ("concert_hall", "an orchestra plays concerts in our venue"),
];

#[test]
fn a_plain_sentence_finds_its_domain() {
    let missing: Vec<&str> = domains()
        .iter()
        .map(|domain| domain.id.as_str())
        .filter(|id| !SENTENCES.iter().any(|(known, _)| known == id))
        .collect();
    assert!(missing.is_empty(), "no sentence for {missing:?}");
    let mut wrong = Vec::new();
    for (id, sentence) in SENTENCES {
        let found = closest_domains(sentence, 2);
        if found[0].0.id != *id || found[0].1 <= found[1].1 {
            wrong.push(format!(
                "{sentence}: {} {:.2}, {} {:.2}",
                found[0].0.id, found[0].1, found[1].0.id, found[1].1
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn typos_and_endings_are_forgiven() {
    for (sentence, id) in [
        ("an insurence company", "insurance_claims"),
        ("LIBRARIES", "public_library"),
        ("patiens of a clinc", "outpatient_clinic"),
    ] {
        assert_eq!(closest_domains(sentence, 1)[0].0.id, id, "{sentence}");
    }
}

#[test]
fn any_text_gets_an_answer() {
    let long = "x".repeat(100_000);
    let many = "word ".repeat(50_000);
    let hostile = [
        "",
        " \n\t",
        "\0\u{202e}\u{feff}",
        "一个处理订单的系统",
        "'; DROP TABLE world; --",
        "{{{{$$",
        "🦀🦀",
        &long,
        &many,
    ];
    for sentence in hostile {
        let found = closest_domains(sentence, 5);
        assert_eq!(found.len(), 5);
        assert_eq!(found, closest_domains(sentence, 5));
        assert!(found.iter().all(|(_, score)| *score < 0.5), "{:?}: {:?}", sentence.get(..20), found[0].0.id);
    }
    assert_eq!(closest_domains("", 0).len(), 0);
    assert_eq!(closest_domains("clinic", 10_000).len(), domains().len());
    let first = |sentence: &str| closest_domains(sentence, 1)[0].0.id.clone();
    let firsts: HashSet<String> = ["qq", "ww", "zz", "vv", "jj", "kk"].map(first).into_iter().collect();
    assert!(firsts.len() > 1, "ties always fall alike");
}

proptest::proptest! {
    #[test]
    fn scores_are_shares_in_falling_order(sentence in ".{0,200}") {
        let found = closest_domains(&sentence, 50);
        proptest::prop_assert!(found.iter().all(|(_, score)| (0.0..=1.0).contains(score)));
        proptest::prop_assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1));
    }
}

//! Recovery codes: used once, by many at once, and nothing to be learned from them.

use crate::support::{CountedRecords, race};
use portcullis::authn::Refusal;
use portcullis::authn::recovery_codes::{RecoveryCodeError, RecoveryCodes};
use portcullis::guard::Rejection;
use portcullis::store::{Collection, Records};

const RECORDS: Collection = Collection::new("recovery-codes");
const ANN: &str = "user-17";

fn refusal(found: Result<usize, RecoveryCodeError>) -> Result<usize, Refusal> {
    match found {
        Ok(left) => Ok(left),
        Err(RecoveryCodeError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

async fn redeem(recovery: &RecoveryCodes, user: &str, code: &str) -> Result<usize, Refusal> {
    refusal(recovery.redeem(user, code).await)
}

#[tokio::test]
async fn each_code_is_good_once_and_for_its_user() {
    let recovery = RecoveryCodes::new(Records::memory());
    let codes = recovery.generate(ANN).await.unwrap();
    let others = recovery.generate("user-18").await.unwrap();
    assert_eq!(recovery.remaining(ANN).await.unwrap(), 10);
    for (place, code) in codes.iter().enumerate() {
        let code = code.expose();
        assert_eq!(
            redeem(&recovery, "user-18", code).await,
            Err(Refusal::Wrong),
            "another's"
        );
        assert_eq!(redeem(&recovery, ANN, code).await, Ok(9 - place));
        assert_eq!(
            redeem(&recovery, ANN, code).await,
            Err(Refusal::Wrong),
            "twice"
        );
    }
    assert_eq!(recovery.remaining(ANN).await.unwrap(), 0);
    assert_eq!(
        redeem(&recovery, ANN, others[0].expose()).await,
        Err(Refusal::Wrong)
    );
    assert_eq!(
        redeem(&recovery, "user-18", others[0].expose()).await,
        Ok(9)
    );
}

#[tokio::test]
async fn codes_have_120_bits_and_none_comes_twice() {
    let recovery = RecoveryCodes::new(Records::memory()).count(50);
    let mut all = std::collections::HashSet::new();
    for user in 0..20 {
        for code in recovery.generate(&user.to_string()).await.unwrap() {
            let plain = code.expose().replace('-', "");
            // 24 characters of 5 bits.
            assert_eq!(plain.len(), 24);
            assert!(
                plain
                    .bytes()
                    .all(|c| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&c))
            );
            assert!(all.insert(plain));
        }
    }
    assert_eq!(all.len(), 1000);
}

#[tokio::test]
async fn new_codes_void_the_old_ones_and_so_does_removing() {
    let recovery = RecoveryCodes::new(Records::memory()).count(2);
    let old = recovery.generate(ANN).await.unwrap();
    let new = recovery.generate(ANN).await.unwrap();
    assert_eq!(
        redeem(&recovery, ANN, old[0].expose()).await,
        Err(Refusal::Wrong)
    );
    assert_eq!(redeem(&recovery, ANN, new[1].expose()).await, Ok(1));
    assert!(recovery.remove(ANN).await.unwrap());
    assert!(!recovery.remove(ANN).await.unwrap());
    assert_eq!(
        redeem(&recovery, ANN, new[0].expose()).await,
        Err(Refusal::Absent)
    );
}

async fn one_gets_in(records: Records) {
    let recovery = RecoveryCodes::new(records);
    for round in 0..200 {
        let user = format!("user-{round}");
        let codes = recovery.generate(&user).await.unwrap();
        // Eight bring the first code, eight the second.
        let found = race(16, |runner| {
            let (recovery, user) = (recovery.clone(), user.clone());
            let code = codes[runner % 2].clone();
            async move {
                (
                    runner % 2,
                    refusal(recovery.redeem(&user, code.expose()).await),
                )
            }
        })
        .await;
        let mut left = Vec::new();
        for which in 0..2 {
            let entered: Vec<_> = found
                .iter()
                .filter(|(code, _)| *code == which)
                .filter_map(|(_, found)| found.ok())
                .collect();
            assert_eq!(entered.len(), 1, "round {round}: {found:?}");
            left.extend(entered);
        }
        left.sort_unstable();
        assert_eq!(left, [8, 9], "round {round}");
        assert_eq!(recovery.remaining(&user).await.unwrap(), 8);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_with_one_recovery_code_one_gets_in() {
    one_gets_in(Records::memory()).await;
    one_gets_in(Records::new(CountedRecords::default())).await;
}

#[tokio::test]
async fn nobody_learns_who_has_codes() {
    let counted = CountedRecords::default();
    let recovery = RecoveryCodes::new(Records::new(counted.clone()));
    let code = recovery.generate(ANN).await.unwrap()[0].clone();
    counted.trips();
    for user in ["nobody", "", "x\0y"] {
        let error = recovery.redeem(user, code.expose()).await.unwrap_err();
        assert_eq!(counted.trips(), ["get"], "{user:?}");
        assert_eq!(error.to_string(), "the code was refused");
        let rejection = Rejection::from(error);
        assert_eq!(
            (rejection.status().as_u16(), rejection.code()),
            (401, "wrong_code")
        );
    }
    for wrong in [
        "",
        "123456",
        "0123-4567-89AB-CDEF-GHJK-MNPQ",
        &"-".repeat(9999),
        "é",
    ] {
        let error = recovery.redeem(ANN, wrong).await.unwrap_err();
        assert_eq!(counted.trips(), ["get"], "{wrong:?}");
        let rejection = Rejection::from(error);
        assert_eq!(
            (rejection.status().as_u16(), rejection.code()),
            (401, "wrong_code")
        );
    }
    // Nobody guesses, so nobody is locked out.
    for _ in 0..200 {
        assert_eq!(redeem(&recovery, ANN, "wrong").await, Err(Refusal::Wrong));
    }
    assert_eq!(redeem(&recovery, ANN, code.expose()).await, Ok(9));
}

#[tokio::test]
async fn records_show_no_code_and_broken_ones_let_nobody_in() {
    let counted = CountedRecords::default();
    let records = Records::new(counted.clone());
    let recovery = RecoveryCodes::new(records.clone());
    let codes = recovery.generate(ANN).await.unwrap();
    let record = records.get(RECORDS, ANN).await.unwrap().unwrap();
    let text = String::from_utf8(record.value().to_vec()).unwrap();
    for code in &codes {
        assert!(!text.contains(code.expose()));
        assert!(!text.contains(&code.expose().replace('-', "")));
    }
    // Records do not fit other users.
    records
        .insert(RECORDS, "victim", record.value())
        .await
        .unwrap();
    assert_eq!(
        redeem(&recovery, "victim", codes[0].expose()).await,
        Err(Refusal::Wrong)
    );

    let broken = records.update(RECORDS, ANN, record.version(), b"{\"codes\":[1]}");
    broken.await.unwrap();
    let error = recovery.redeem(ANN, codes[0].expose()).await.unwrap_err();
    assert_eq!(Rejection::from(error).status(), 500);
    counted.set_down(true);
    let error = recovery
        .redeem("victim", codes[0].expose())
        .await
        .unwrap_err();
    assert_eq!(Rejection::from(error).status(), 503);
}

//! A cluster that people and programs change at random. The seed is told: with it (`KUBESTASH_TEST_SEED`) the same happens
//! again.

use harness::environment;

use super::super::Kept;

/// Things whose fields nobody can change.
pub const MORE: &str = r#"
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, namespace: NAMESPACE}
spec:
  suspend: true
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: "localhost/pause:1", args: ["first"]}]}}
---
apiVersion: v1
kind: Secret
metadata: {name: fixed, namespace: NAMESPACE}
immutable: true
stringData: {a: b}
"#;

/// A type of the story's own, and an object of it.
const DEFINITION: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: vouchers.NAMESPACE.example.com}
spec:
  group: NAMESPACE.example.com
  scope: Namespaced
  names: {kind: Voucher, listKind: VoucherList, plural: vouchers, singular: voucher}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

const VOUCHER: &str = "apiVersion: NAMESPACE.example.com/v1\nkind: Voucher\nmetadata: {name: spring, namespace: \
                       NAMESPACE}\npercent: 10\n";

/// What is deleted, labelled and edited.
const OBJECTS: [&str; 10] = [
    "configmap/orders-settings",
    "configmap/unrelated",
    "secret/orders-db",
    "secret/fixed",
    "service/orders",
    "deployment/orders",
    "serviceaccount/orders",
    "role/orders",
    "rolebinding/orders",
    "job/migrate",
];

/// A source of numbers (splitmix64): small, and the same everywhere for the same seed.
pub struct Dice(u64);

impl Dice {
    /// From the seed that is given, or from the time.
    #[expect(clippy::disallowed_methods, reason = "another run changes other things")]
    pub fn thrown() -> Self {
        let time = || jiff::Timestamp::now().as_nanosecond().unsigned_abs();
        Self(
            environment::seed()
                .unwrap_or_else(|| u64::try_from(time() >> 10 & u128::from(u64::MAX)).unwrap_or(1)),
        )
    }

    /// With this, what comes now comes again.
    pub const fn seed(&self) -> u64 {
        self.0
    }

    /// A number below this one.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % u64::try_from(limit).unwrap_or(1)).unwrap_or(0)
    }
}

/// Makes the story's own type again, where it is missing or another, and its object.
pub async fn heal(kept: &Kept) {
    let definition = format!("crd/vouchers.{}.example.com", kept.application.name);
    let served = kept.kubectl(&format!("get {definition} -o jsonpath={{.spec.versions[*].name}}")).await;
    if served.stdout != "v1" {
        kept.kubectl(&format!("delete {definition} --ignore-not-found --wait")).await.assert_success();
        kept.application.apply(DEFINITION).await;
    }
    kept.done(&format!("wait --for=condition=Established {definition} --timeout=60s")).await;
    kept.application.apply(VOUCHER).await;
}

/// Changes two to five things, and tells which.
pub async fn mutate(kept: &Kept, dice: &mut Dice) -> Vec<String> {
    let mut done = Vec::new();
    for _ in 0..2 + dice.below(4) {
        let object = OBJECTS[dice.below(OBJECTS.len())];
        let number = dice.below(1000);
        let line = match dice.below(9) {
            0..=2 => format!("delete {object} --wait --ignore-not-found"),
            3 => format!("label {object} changed=by-{number} --overwrite"),
            4 => format!(
                "patch configmap orders-settings --type merge -p {{\"data\":{{\"mode\":\"{number}\"}}}}"
            ),
            5 => format!("create configmap extra-{number} --from-literal=a=b"),
            6 => format!("create secret generic extra-{number} --from-literal=a=b"),
            7 => format!("set image deployment/orders main=localhost/pause:{number}"),
            _ => {
                done.push(rebuild(kept, dice).await);
                continue;
            }
        };
        // What an earlier change has taken away cannot be changed: then nothing happens.
        if kept.kubectl(&line).await.code == 0 {
            done.push(line);
        }
    }
    done
}

/// Puts something in the place of another of the same name that cannot become what it was.
async fn rebuild(kept: &Kept, dice: &mut Dice) -> String {
    let (object, yaml) = match dice.below(4) {
        0 => ("job/migrate", MORE.split("---").nth(1).unwrap_or_default().replace("first", "second")),
        1 => ("secret/fixed", MORE.split("---").nth(2).unwrap_or_default().replace("a: b", "a: c")),
        2 => {
            let headless = "apiVersion: v1\nkind: Service\nmetadata: {name: orders, namespace: NAMESPACE}\nspec: {clusterIP: \
                            None, ports: [{port: 81}]}\n";
            ("service/orders", headless.to_owned())
        }
        _ => {
            // The type is gone, or served in another version only.
            let definition = format!("crd/vouchers.{}.example.com", kept.application.name);
            kept.kubectl(&format!("delete {definition} --ignore-not-found --wait")).await.assert_success();
            if dice.below(2) == 0 {
                return format!("delete {definition}");
            }
            kept.application.apply(&DEFINITION.replace("name: v1\n", "name: v2\n")).await;
            kept.done(&format!("wait --for=condition=Established {definition} --timeout=60s")).await;
            return format!("serve {definition} as v2");
        }
    };
    kept.kubectl(&format!("delete {object} --wait --ignore-not-found")).await.assert_success();
    kept.application.make(&yaml).await;
    format!("another {object}")
}

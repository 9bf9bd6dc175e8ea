//! Roles beside crates that do the same: 100 users, 20 roles of which ten inherit from the other
//! ten, 200 permissions; 1,024 questions in turn, of which some are allowed.
//!
//! Bars: at most 1/3 of gatehouse's time, 1/500 of Cedar's with a policy for each role, and
//! 1/3,000 of casbin's. Ours has looked the permissions up before, as a layer does when its route
//! is built; what it takes by name each time stands beside it.

use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request,
};
use gatehouse::{EvaluationSession, PermissionChecker, PolicyDomain, RbacPolicy};
use portcullis::authz::rbac::{Rbac, Role};
use portcullis::clock::Timestamp;
use portcullis::principal::{Authentication, Principal};
use std::collections::{HashMap, HashSet};

#[path = "../../common/mod.rs"]
mod common;

const USERS: usize = 100;
const ROLES: usize = 20;
const RESOURCES: usize = 40;
const ACTIONS: [&str; 5] = ["read", "write", "create", "delete", "approve"];
const QUESTIONS: usize = 1_024;

/// A user, a resource, and what is to be done with it.
type Question = (usize, usize, usize);

/// The same ones each time, and no two alike in a row.
fn questions() -> Vec<Question> {
    (0..QUESTIONS)
        .map(|n| (n * 37 % USERS, n * 13 % RESOURCES, n * 7 % ACTIONS.len()))
        .collect()
}

/// Role n may do all with the resources n and n + 20; from 10 on it inherits role n - 10.
fn own(role: usize) -> [usize; 2] {
    [role, role + ROLES]
}

fn role_of(user: usize) -> usize {
    user % ROLES
}

fn may(user: usize, resource: usize) -> bool {
    let role = role_of(user);
    own(role).contains(&resource) || (role >= 10 && own(role - 10).contains(&resource))
}

fn main() {
    let questions = questions();
    let (ours, principals) = (ours(), principals());
    let names: Vec<String> = names();
    let permission = |name: &String| ours.permission(name).expect("it is declared");
    let permissions: Vec<_> = names.iter().map(permission).collect();
    let ask_us = |&(user, resource, action): &Question| {
        permissions[resource * ACTIONS.len() + action].is_granted_to(&principals[user])
    };
    let ask_by_name = |&(user, resource, action): &Question| {
        permission(&names[resource * ACTIONS.len() + action]).is_granted_to(&principals[user])
    };
    let checker = checker();
    let users: Vec<User> = (0..USERS).map(User::new).collect();
    let session = EvaluationSession::empty();
    let ask_gatehouse = async |&(user, resource, action): &Question| {
        let action = ACTIONS[action];
        let bound = checker.bind(&session, &users[user], &action, &());
        bound.check(&resource).await.is_granted()
    };
    let (authorizer, policies, entities) = (Authorizer::new(), policies(), entities());
    let requests: Vec<Request> = questions.iter().map(request).collect();
    let ask_cedar = |request: &Request| {
        let answer = authorizer.is_authorized(request, &policies, &entities);
        answer.decision() == Decision::Allow
    };
    let enforcer = enforcer();
    let asked: Vec<[String; 3]> = questions.iter().map(texts).collect();
    let ask_casbin = |[who, resource, action]: &[String; 3]| {
        let asked = (who.as_str(), resource.as_str(), action.as_str());
        enforcer.enforce(asked).expect("it can say")
    };

    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().expect("a runtime starts");
    for ((question, request), asked) in questions.iter().zip(&requests).zip(&asked) {
        let expected = may(question.0, question.1);
        assert_eq!(ask_us(question), expected, "{question:?}");
        assert_eq!(ask_by_name(question), expected, "{question:?}");
        let answer = runtime.block_on(ask_gatehouse(question));
        assert_eq!(answer, expected, "gatehouse: {question:?}");
        assert_eq!(ask_cedar(request), expected, "Cedar: {question:?}");
        assert_eq!(ask_casbin(asked), expected, "casbin: {question:?}");
    }

    let mut turns = [0; 5];
    let [us, by_name, gatehouse, cedar, casbin] = &mut turns;
    let next = |turn: &mut usize| {
        *turn = (*turn + 1) % QUESTIONS;
        *turn
    };
    let times = common::Race::new("authz-roles")
        .operation("ours", || ask_us(&questions[next(us)]))
        .operation("ours-by-name", || ask_by_name(&questions[next(by_name)]))
        .asynchronous("gatehouse", async || {
            ask_gatehouse(&questions[next(gatehouse)]).await
        })
        .operation("cedar-20-policies", || ask_cedar(&requests[next(cedar)]))
        .operation("casbin", || ask_casbin(&asked[next(casbin)]))
        .run();
    for peer in ["gatehouse", "cedar-20-policies", "casbin"] {
        times.ratio(&format!("authz-roles-{peer}"), "ours", peer);
    }
}

fn names() -> Vec<String> {
    let name = |resource| ACTIONS.map(|action| format!("resource-{resource}:{action}"));
    (0..RESOURCES).flat_map(name).collect()
}

fn ours() -> Rbac {
    let resources = 0..RESOURCES;
    let builder = resources.fold(Rbac::builder(), |builder, resource| {
        builder.resource(&format!("resource-{resource}"), ACTIONS)
    });
    let roles = (0..ROLES).fold(builder, |builder, number| {
        let role = own(number)
            .iter()
            .fold(Role::new(format!("role-{number}")), |role, resource| {
                role.allow(format!("resource-{resource}:*"))
            });
        builder.role(match number {
            10.. => role.inherits(format!("role-{}", number - 10)),
            _ => role,
        })
    });
    roles.build().expect("the roles are right")
}

fn principals() -> Vec<Principal> {
    let login = Authentication::new(Timestamp::from_unix_seconds(1_700_000_000));
    let principal = |user| {
        let role = format!("role-{}", role_of(user));
        Principal::new(format!("user-{user}"), login.clone()).with_role(role)
    };
    (0..USERS).map(principal).collect()
}

struct User {
    /// With those that it inherits.
    roles: Vec<u8>,
}

impl User {
    fn new(number: usize) -> Self {
        let role = role_of(number);
        let inherited = (role >= 10).then(|| role - 10);
        let roles = [Some(role), inherited].into_iter().flatten();
        Self {
            roles: roles.map(|role| role as u8).collect(),
        }
    }
}

struct Roles;

impl PolicyDomain for Roles {
    type Subject = User;
    type Action = &'static str;
    type Resource = usize;
    type Context = ();
}

fn checker() -> PermissionChecker<Roles> {
    let needed: HashMap<(&str, usize), Vec<u8>> = (0..RESOURCES)
        .flat_map(|resource| ACTIONS.map(|action| (action, resource)))
        .map(|(action, resource)| {
            let roles = (0..ROLES).filter(|role| own(*role).contains(&resource));
            ((action, resource), roles.map(|role| role as u8).collect())
        })
        .collect();
    let mut checker = PermissionChecker::<Roles>::new();
    checker.add_policy(RbacPolicy::new(
        move |action: &&'static str, resource: &usize| {
            needed
                .get(&(*action, *resource))
                .cloned()
                .unwrap_or_default()
        },
        |user: &User| user.roles.clone(),
    ));
    checker
}

/// One for each role, as somebody who knows Cedar would.
fn policies() -> PolicySet {
    let policy = |role: usize| {
        let resources = own(role).map(|resource| format!("Resource::\"{resource}\""));
        let [one, other] = resources;
        format!(
            "permit(principal in Role::\"{role}\", action, resource) \
             when {{ resource == {one} || resource == {other} }};\n"
        )
    };
    let text: String = (0..ROLES).map(policy).collect();
    text.parse().expect("policies that are right")
}

fn uid(kind: &str, id: impl std::fmt::Display) -> EntityUid {
    format!("{kind}::\"{id}\"").parse().expect("a name")
}

fn entities() -> Entities {
    let of = |uid, parents: HashSet<EntityUid>| Entity::new_no_attrs(uid, parents);
    let users = (0..USERS).map(|user| {
        let role = uid("Role", role_of(user));
        of(uid("User", user), HashSet::from([role]))
    });
    let roles = (0..ROLES).map(|role| {
        let parents = (role >= 10).then(|| uid("Role", role - 10));
        of(uid("Role", role), parents.into_iter().collect())
    });
    let resources = (0..RESOURCES).map(|resource| of(uid("Resource", resource), HashSet::new()));
    let all = users.chain(roles).chain(resources);
    Entities::from_entities(all, None).expect("no circles")
}

fn request(&(user, resource, action): &Question) -> Request {
    Request::new(
        uid("User", user),
        uid("Action", ACTIONS[action]),
        uid("Resource", resource),
        Context::empty(),
        None,
    )
    .expect("no schema says otherwise")
}

const MODEL: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
";

fn enforcer() -> Enforcer {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().expect("a runtime starts");
    runtime.block_on(async {
        let model = DefaultModel::from_str(MODEL).await.expect("a model");
        let adapter = MemoryAdapter::default();
        let mut enforcer = Enforcer::new(model, adapter).await.expect("an enforcer");
        let grants = (0..ROLES).flat_map(|role| {
            let resources = own(role).into_iter();
            resources.flat_map(move |resource| {
                ACTIONS.map(|action| {
                    vec![
                        format!("role-{role}"),
                        resource.to_string(),
                        action.to_owned(),
                    ]
                })
            })
        });
        let grants = grants.collect();
        enforcer.add_policies(grants).await.expect("policies");
        let held =
            (0..USERS).map(|user| vec![format!("user-{user}"), format!("role-{}", role_of(user))]);
        let inherited =
            (10..ROLES).map(|role| vec![format!("role-{role}"), format!("role-{}", role - 10)]);
        let links = held.chain(inherited).collect();
        enforcer.add_grouping_policies(links).await.expect("roles");
        enforcer
    })
}

fn texts(&(user, resource, action): &Question) -> [String; 3] {
    let action = ACTIONS[action];
    [
        format!("user-{user}"),
        resource.to_string(),
        action.to_owned(),
    ]
}

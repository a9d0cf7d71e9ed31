//! Which room may use which.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::Finding;

const RULE: &str = "room rules";

/// A package as `cargo metadata` tells of it.
#[derive(Debug, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its `Cargo.toml`.
    pub manifest_path: String,
    /// What it asks for.
    pub dependencies: Vec<Dependency>,
}

/// One dependency of a package.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    /// Name of the package asked for.
    pub name: String,
    /// `None` for a normal one, else `dev` or `build`.
    pub kind: Option<String>,
    /// Folder, for those of this repository.
    pub path: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: String,
}

/// The packages of the workspace at `top`, with manifests relative to it.
///
/// # Errors
/// If `cargo metadata` cannot be run or understood.
pub fn packages(top: &Path) -> Result<Vec<Package>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(top)
        .output()
        .context("cargo metadata")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let Metadata { mut packages, workspace_root } = serde_json::from_slice(&output.stdout)?;
    for package in &mut packages {
        let relative = package.manifest_path.strip_prefix(&workspace_root);
        if let Some(relative) = relative.map(|path| path.trim_start_matches('/').to_owned()) {
            package.manifest_path = relative;
        }
    }
    Ok(packages)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Kernel,
    /// Tools that know no more than the kernel's words, prices and days.
    Tool,
    Platform,
    Analytics,
    /// Numerics over plain data.
    Models,
    /// Audiences over Parquet; the only one that knows Arrow.
    AudienceSql,
    Flows,
    Testkit,
    App,
    Module,
    Insight,
    /// Checks from outside; they may see everything.
    Tests,
}

impl Room {
    fn of(manifest: &str) -> Option<Self> {
        match manifest.strip_suffix("/Cargo.toml")?.split('/').collect::<Vec<_>>()[..] {
            ["crates", "kernel"] => Some(Self::Kernel),
            ["crates", "tabular" | "demoshop" | "pricing" | "almanac"] => Some(Self::Tool),
            ["crates", "platform"] => Some(Self::Platform),
            ["crates", "analytics"] => Some(Self::Analytics),
            ["crates", "models"] => Some(Self::Models),
            ["crates", "audience-sql"] => Some(Self::AudienceSql),
            ["crates", "flows"] => Some(Self::Flows),
            ["crates", "testkit"] => Some(Self::Testkit),
            ["crates", "app"] => Some(Self::App),
            ["modules", "insight"] => Some(Self::Insight),
            ["modules", _] => Some(Self::Module),
            ["tests" | "benches", _] => Some(Self::Tests),
            _ => None,
        }
    }

    fn may_use(self, other: Self) -> bool {
        use Room::{
            Analytics, App, AudienceSql, Flows, Insight, Kernel, Models, Module, Platform, Testkit,
            Tests, Tool,
        };
        match (self, other) {
            (Tests, _) => true,
            (_, Tests | App) => false,
            (App, Testkit) => false,
            (App, _) | (_, Kernel) => true,
            (Models, Tool) | (AudienceSql, Analytics) => true,
            (Kernel | Tool | Platform | Analytics | Models | AudienceSql, _) => false,
            (Testkit, Platform) => true,
            (Module | Insight, Platform | Tool) => true,
            (Insight, Analytics | Models) => true,
            (Flows, Module | Insight | Platform | Analytics | Models | Tool) => true,
            (Module | Insight | Flows | Testkit, _) => false,
        }
    }

    /// What tests beside the code may use beyond that.
    fn tests_may_use(self, other: Self) -> bool {
        match (self, other) {
            (Self::Kernel, _) => false,
            (_, Self::Testkit | Self::Tool) => true,
            _ => self.may_use(other),
        }
    }

    /// Whether the room may ask for the outside package `name`.
    fn may_import(self, name: &str) -> bool {
        let columnar = ["arrow", "parquet", "datafusion", "ballista", "object_store"];
        let outside = ["tokio", "axum", "sqlx", "sea-orm", "reqwest", "hyper", "tower-http"];
        let is_of = |families: &[&str]| {
            families.iter().any(|family| {
                name.strip_prefix(family)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            })
        };
        match self {
            Self::Tests => true,
            // `hyper-util` serves the object store of its feature `loopback`.
            Self::AudienceSql => matches!(name, "tokio" | "hyper-util") || !is_of(&outside),
            Self::Kernel | Self::Tool | Self::Models => !is_of(&columnar) && !is_of(&outside),
            Self::Flows => !is_of(&columnar) && !is_of(&["sqlx", "sea-orm"]),
            _ => !is_of(&columnar),
        }
    }
}

/// Finds forbidden edges between `packages`.
#[must_use]
pub fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().flat_map(|package| check_one(package, packages)).collect()
}

fn check_one(package: &Package, packages: &[Package]) -> Vec<Finding> {
    let finding =
        |detail| Finding { file: package.manifest_path.clone(), line: 0, rule: RULE, detail };
    let Some(room) = Room::of(&package.manifest_path) else {
        let detail =
            "this folder is no room of the house; give it a rule in tests/house/src/rooms.rs";
        return vec![finding(detail.to_owned())];
    };
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        let name = &dependency.name;
        let is_dev = dependency.kind.as_deref() == Some("dev");
        let other = packages
            .iter()
            .find(|other| dependency.path.is_some() && other.name == *name)
            .and_then(|other| Room::of(&other.manifest_path));
        let (is_allowed, what) = match other {
            Some(other) if is_dev => (room.tests_may_use(other), "its tests may not use"),
            Some(other) => (room.may_use(other), "may not use"),
            None if is_dev => (true, ""),
            None => (room.may_import(name), "may not import"),
        };
        if !is_allowed {
            findings.push(finding(format!("`{}` {what} `{name}`", package.name)));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        Package {
            name: folder.rsplit('/').next().unwrap().to_owned(),
            manifest_path: format!("{folder}/Cargo.toml"),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).to_owned(),
                    kind: kind.map(str::to_owned),
                    path: HOUSE.iter().any(|room| room.ends_with(name)).then(String::new),
                })
                .collect(),
        }
    }

    const HOUSE: [&str; 16] = [
        "crates/kernel",
        "crates/tabular",
        "crates/platform",
        "crates/analytics",
        "crates/models",
        "crates/audience-sql",
        "crates/flows",
        "crates/testkit",
        "crates/app",
        "crates/demoshop",
        "crates/pricing",
        "modules/customers",
        "modules/commerce",
        "modules/insight",
        "modules/loyalty",
        "modules/identity",
    ];

    /// What is found when `folder` has `dependency` and the other rooms have none.
    fn edge(folder: &str, dependency: &str, kind: Option<&str>) -> Vec<String> {
        let mut house: Vec<Package> =
            HOUSE.iter().filter(|room| **room != folder).map(|room| package(room, &[])).collect();
        house.push(package(folder, &[(dependency, kind)]));
        check(&house).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn forbidden_edges_are_found() {
        let found = edge("modules/customers", "commerce", None);
        assert_eq!(
            found,
            ["modules/customers/Cargo.toml: room rules: `customers` may not use `commerce`"]
        );
        for (folder, dependency) in [
            ("modules/customers", "analytics"),
            ("modules/insight", "customers"),
            ("modules/loyalty", "commerce"),
            ("modules/customers", "flows"),
            ("crates/platform", "customers"),
            ("crates/platform", "analytics"),
            ("crates/analytics", "platform"),
            ("crates/models", "analytics"),
            ("crates/analytics", "audience-sql"),
            ("crates/flows", "audience-sql"),
            ("modules/insight", "audience-sql"),
            ("crates/audience-sql", "platform"),
            ("crates/audience-sql", "models"),
            ("crates/audience-sql", "sqlx"),
            ("modules/customers", "models"),
            ("crates/tabular", "platform"),
            ("crates/demoshop", "commerce"),
            ("crates/pricing", "platform"),
            ("crates/pricing", "tabular"),
            ("crates/kernel", "tabular"),
            ("crates/flows", "app"),
            ("crates/flows", "testkit"),
            ("crates/app", "testkit"),
            ("crates/kernel", "tokio"),
            ("crates/flows", "sqlx"),
            ("modules/insight", "arrow-array"),
            ("crates/app", "datafusion"),
            ("crates/analytics", "arrow"),
            ("crates/analytics", "object_store"),
        ] {
            assert_eq!(edge(folder, dependency, None).len(), 1, "{folder} → {dependency}");
        }
        assert_eq!(edge("modules/customers", "commerce", Some("dev")).len(), 1);
        assert_eq!(edge("crates/kernel", "testkit", Some("dev")).len(), 1);
    }

    #[test]
    fn allowed_edges_pass() {
        for (folder, dependency, kind) in [
            ("modules/customers", "platform", None),
            ("modules/commerce", "tabular", None),
            ("modules/insight", "analytics", None),
            ("crates/flows", "customers", None),
            ("crates/flows", "pricing", None),
            ("crates/app", "demoshop", None),
            ("crates/app", "testkit", Some("dev")),
            ("crates/platform", "testkit", Some("dev")),
            ("crates/audience-sql", "analytics", None),
            ("crates/audience-sql", "datafusion", None),
            ("crates/audience-sql", "object_store", None),
            ("crates/audience-sql", "tokio", None),
            ("crates/app", "audience-sql", None),
            ("modules/customers", "axum", None),
        ] {
            assert_eq!(edge(folder, dependency, kind), [""; 0], "{folder} → {dependency}");
        }
    }

    #[test]
    fn a_room_without_a_rule_is_found() {
        let found = check(&[package("connectors/taobao", &[])]);
        assert_eq!(found.len(), 1);
        assert!(found[0].detail.contains("no room"), "{}", found[0]);
    }
}

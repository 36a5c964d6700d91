//! A function's configuration as one value: whether two are the same, without their content.

use std::collections::BTreeMap;

use aws_sdk_lambda::types::FunctionConfiguration;
use sha2::{Digest as _, Sha256};

/// Stands for what a version is made of besides its code. Variables hold secrets, so only a hash is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration(Vec<u8>);

impl Configuration {
    /// Left out is what AWS sets by itself, and the description, which each version has of its own.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html>
    pub(super) fn of(configuration: &FunctionConfiguration) -> Self {
        let environment = configuration.environment().and_then(|environment| environment.variables());
        let variables: BTreeMap<&String, &String> = environment.into_iter().flatten().collect();
        let layers: Vec<_> = configuration.layers().iter().map(|layer| layer.arn()).collect();
        let network = configuration.vpc_config().map(|vpc| (vpc.subnet_ids(), vpc.security_group_ids()));
        let machine = (
            configuration.runtime(),
            configuration.handler(),
            configuration.architectures(),
            configuration.memory_size(),
            configuration.timeout(),
        );
        let rights = (configuration.role(), configuration.kms_key_arn(), network, configuration.dead_letter_config());
        let storage = (configuration.ephemeral_storage(), configuration.file_system_configs(), layers);
        let image = configuration.image_config_response().map(|image| image.image_config());
        let snapshots = configuration.snap_start().map(|snap_start| snap_start.apply_on());
        let watched = (configuration.tracing_config(), configuration.logging_config());
        let all = format!("{machine:?}{rights:?}{storage:?}{image:?}{snapshots:?}{watched:?}{variables:?}");
        Self(Sha256::digest(all).to_vec())
    }

    /// One that differs from those of other names.
    #[cfg(test)]
    pub(crate) fn named(name: &str) -> Self {
        Self(name.as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_lambda::types::EnvironmentResponse;

    fn with(name: &str, value: &str) -> Configuration {
        let environment = EnvironmentResponse::builder().variables("STAGE", "prd").variables(name, value).build();
        let configuration = FunctionConfiguration::builder().timeout(3).description(value).environment(environment);
        Configuration::of(&configuration.build())
    }

    #[test]
    fn variables_count_and_descriptions_do_not() {
        assert_eq!(with("A", "1"), with("A", "1"));
        assert_ne!(with("A", "1"), with("A", "2"));
        let described =
            |text: &str| Configuration::of(&FunctionConfiguration::builder().timeout(3).description(text).build());
        assert_eq!(described("one"), described("two"));
        assert_ne!(described("one"), Configuration::of(&FunctionConfiguration::builder().timeout(4).build()));
    }
}

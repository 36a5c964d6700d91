//! The input `services`: which image each container of each service gets.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::action::inputs::{WorkspacePath, Yaml, input_value};
use crate::ecs::{ContainerName, Family, Revision, ServiceName};
use crate::oci::ImageReference;
use crate::rollout::services::PerService;

/// A service and its images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceImages {
    pub(super) service: ServiceName,
    pub(super) images: Images,
}

/// The images of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Images {
    /// Of its one container, or of the one that is called as the service.
    One(ImageReference),
    /// Of these.
    Each(Vec<(ContainerName, ImageReference)>),
}

/// Several services with their images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Services(pub(super) Vec<ServiceImages>);

impl FromStr for Services {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = "must be a YAML map `service: image`, or `service: {container: image}`";
        let Yaml::Mapping(members) = Yaml::read(text).map_err(|error| format!("{shape} ({error})"))? else {
            return Err(shape.to_owned());
        };
        let mut seen = BTreeSet::new();
        let each = members.iter().map(|(name, value)| {
            let service: ServiceName = name.parse()?;
            if !seen.insert(service.clone()) {
                return Err(format!("names service {service} twice"));
            }
            Ok(ServiceImages { images: images(&service, value)?, service })
        });
        let services: Vec<_> = each.collect::<Result<_, String>>()?;
        if services.is_empty() { Err(shape.to_owned()) } else { Ok(Self(services)) }
    }
}

fn images(service: &ServiceName, value: &Yaml) -> Result<Images, String> {
    let image = |value: &Yaml, of: &dyn fmt::Display| {
        let text = value.text().ok_or_else(|| format!("{of}: must be an image"))?;
        text.parse::<ImageReference>().map_err(|error| format!("{of}: {error}"))
    };
    match value {
        Yaml::Mapping(members) if !members.is_empty() => {
            let each = members.iter().map(|(name, value)| {
                let container: ContainerName = name.parse()?;
                let of = format!("{service}/{container}");
                Ok((container, image(value, &of)?))
            });
            Ok(Images::Each(each.collect::<Result<_, String>>()?))
        }
        value => image(value, service).map(Images::One),
    }
}

impl fmt::Display for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ServiceImages { service, images } in &self.0 {
            match images {
                Images::One(image) => writeln!(f, "{service}: {image}")?,
                Images::Each(images) => {
                    writeln!(f, "{service}:")?;
                    for (container, image) in images {
                        writeln!(f, "  {container}: {image}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

input_value!(
    Services,
    "a YAML map `service: image`, or `service: {container: image}`",
    "shop-api: shop/api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
);

/// The task definition whose images are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Base {
    /// The newest of the service's family that this action did not register, or the current one if that is newer.
    #[default]
    Latest,
    /// What the service has now.
    Current,
    /// The newest revision of this family, which is a template.
    Template(Family),
    /// This revision.
    Revision(Revision),
    /// A JSON file.
    File(WorkspacePath),
}

impl FromStr for Base {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_error| {
            "must be the word latest or current, a family, a revision `family:n`, or the path of a `.json` file"
                .to_owned()
        };
        match text {
            "latest" => Ok(Self::Latest),
            "current" => Ok(Self::Current),
            file if file.strip_suffix(".json").is_some() => file.parse().map(Self::File),
            revision if revision.contains(':') => revision.parse().map(Self::Revision).map_err(wrong),
            family => family.parse().map(Self::Template).map_err(wrong),
        }
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Current => f.write_str("current"),
            Self::Template(family) => family.fmt(f),
            Self::Revision(revision) => revision.fmt(f),
            Self::File(path) => path.fmt(f),
        }
    }
}

/// Which task definition is the base of which service.
pub(super) type Bases = PerService<Base>;
input_value!(
    Bases,
    "latest, current, a family, a revision `family:n` or the path of a `.json` file, for all services; or lines `service=..`",
    "latest"
);

/// A container, or a secret of one, that may disappear: `app`, `app/DATABASE_URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Removed {
    container: ContainerName,
    secret: Option<String>,
}

impl FromStr for Removed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (container, secret) = match text.split_once('/') {
            Some((container, secret)) => (container, Some(secret)),
            None => (text, None),
        };
        let is_name = |secret: &str| !secret.is_empty() && secret.chars().all(|c| c.is_ascii_graphic());
        if secret.is_some_and(|secret| !is_name(secret)) {
            return Err("must be `container` or `container/SECRET`".to_owned());
        }
        Ok(Self { container: container.parse()?, secret: secret.map(str::to_owned) })
    }
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.secret {
            Some(secret) => write!(f, "{}/{secret}", self.container),
            None => self.container.fmt(f),
        }
    }
}

input_value!(Removed, "`container` or `container/SECRET`", "sidecar");

/// A family, or a container of one: `nightly`, `nightly/app`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TaskImage {
    pub(super) family: Family,
    pub(super) container: Option<ContainerName>,
}

impl FromStr for TaskImage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (family, container) = match text.split_once('/') {
            Some((family, container)) => (family, Some(container.parse()?)),
            None => (text, None),
        };
        Ok(Self { family: family.parse()?, container })
    }
}

impl fmt::Display for TaskImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.container {
            Some(container) => write!(f, "{}/{container}", self.family),
            None => self.family.fmt(f),
        }
    }
}

input_value!(TaskImage, "`family` or `family/container`", "shop-nightly");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads};

    const IMAGE: &str = "shop/api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_service_has_one_image_or_one_for_each_container() {
        let text = format!("api: {IMAGE}\nweb:\n  app: {IMAGE}\n  proxy: {IMAGE}\n");
        let services: Services = text.parse().unwrap();
        assert_eq!(services.to_string(), text);
        assert!(matches!(&services.0[0].images, Images::One(_)));
        assert!(matches!(&services.0[1].images, Images::Each(each) if each.len() == 2));
        for wrong in
            ["", "[]", "api", "api: latest", "api: {}", &format!("a b: {IMAGE}"), &format!("api: {{a b: {IMAGE}}}")]
        {
            assert!(wrong.parse::<Services>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_base_is_known_by_its_form() {
        let table = [
            ("latest", Base::Latest),
            ("current", Base::Current),
            ("web", Base::Template("web".parse().unwrap())),
            ("web:7", Base::Revision("web:7".parse().unwrap())),
            ("deploy/web.json", Base::File("deploy/web.json".parse().unwrap())),
        ];
        for (text, base) in table {
            assert_eq!((text.parse(), text), (Ok(base.clone()), base.to_string().as_str()));
        }
        let bases: Bases = "api=current\nweb=web:7".parse().unwrap();
        assert_eq!(bases.of(&"web".parse().unwrap()).unwrap().to_string(), "web:7");
        assert_eq!(bases.of(&"other".parse().unwrap()), None);
        assert!("current\nweb=web:7".parse::<Bases>().is_err());
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["api: shop/api:v1", "latest", "api=web:7", "app/SECRET", "nightly/app", "api: {app: shop/api:v1}"]),
        ) {
            reads::<Services>(&text);
            reads::<Bases>(&text);
            reads::<Removed>(&text);
            reads::<TaskImage>(&text);
        }
    }
}

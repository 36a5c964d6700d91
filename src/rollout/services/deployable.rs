//! Whether ECS deploys a service when it is asked to.

use crate::ecs::{Controller, Service, ServiceStatus};
use crate::outcome::Outcome;

/// Whether ECS can be asked to deploy it at all.
///
/// # Errors
/// It is being deleted, or something else deploys it.
pub fn check_deployable(service: &Service) -> Result<(), Outcome> {
    let name = &service.name;
    match service.status {
        ServiceStatus::Active => {}
        status @ (ServiceStatus::Draining | ServiceStatus::Inactive) => {
            return Err(Outcome::error(format!("service {name} is {status}: it was deleted or is being deleted"
            ))
            .advise(
                "nothing was written; make the service again with what made it, or correct `cluster` and `services`",
            ));
        }
    }
    if service.is_express() {
        return Err(Outcome::fail(format!("service {name} is an Express service: ECS deploys it in its own way"))
            .advise("nothing was written; use aws-actions/amazon-ecs-deploy-express-service, or `aws ecs update-express-gateway-service`"));
    }
    let other = match service.controller() {
        Controller::Ecs => None,
        Controller::CodeDeploy => Some(
            "CodeDeploy deploys it: use `aws deploy create-deployment`, or change its controller to ECS, which can do blue/green by itself",
        ),
        Controller::External => {
            Some("an external controller deploys it by task sets: use that, or change its controller to ECS")
        }
    };
    if let Some(other) = other {
        return Err(Outcome::fail(format!("service {name} has the deployment controller {}", service.controller()))
            .advise(format!("nothing was written; {other}")));
    }
    Ok(())
}

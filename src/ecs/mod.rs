//! ECS: services, what they run, and how they get it. A task definition is passed on as the JSON that ECS sent, with all that no release
//! knows of it.

mod balancer;
mod client;
mod definition;
mod deployment;
mod names;
mod run;
mod service;
mod serving;
mod task;
mod variable;

pub use balancer::{Balancers, RuleWeights};
pub use client::{Absent, Ecs};
pub use definition::{ContainerLog, Definition};
pub use deployment::{
    DeploymentConfiguration, DeploymentStatus, Hook, HookStatus, RevisionState, ServiceDeployment, Strategy, short_id,
};
pub use names::{ClusterName, ContainerName, Family, Revision, ServiceName};
pub use run::Started;
pub use service::{Controller, Event, RuntimePlatform, Service, ServiceRevision, ServiceStatus};
pub use serving::{Part, Running, running};
pub use task::{StopCode, Task, TaskContainer};
pub use variable::Variable;

//! Why a service is not healthy, as far as ECS and the load balancer know: for people, after something else has found it out.

use anyhow::Result;

use crate::calls::error_line;
use crate::context::Context;
use crate::ecs::{ClusterName, ServiceName, short_id};
use crate::text::LONGEST;

/// The newest events that are shown.
const EVENTS: usize = 5;
/// The newest stopped tasks that are shown.
const TASKS: usize = 3;

/// Says what is known of a service, in the log and in the summary. What cannot be read is said too.
pub async fn explain_unhealthy(cx: &Context, cluster: &ClusterName, service: &ServiceName) {
    let lines = match look(cx, cluster, service).await {
        Ok(lines) => lines,
        Err(error) => vec![format!("service {service} could not be looked at: {}", error_line(&error))],
    };
    for line in &lines {
        tracing::info!("  {service}: {line}");
    }
    cx.report.section(format!("What ECS says of {service}"), lines);
}

async fn look(cx: &Context, cluster: &ClusterName, name: &ServiceName) -> Result<Vec<String>> {
    let ecs = cx.ecs().await?;
    let services = ecs.services(cluster, &[name], false).await?;
    let Some(service) = services.first() else { return Ok(vec![format!("there is no service {name}")]) };
    let running: u64 = service.current_service_revisions.iter().map(|state| state.running_task_count).sum();
    let mut lines = vec![format!("{running} of {} tasks run", service.desired_count)];
    if let Some(arn) = &service.current_service_deployment {
        for deployment in ecs.deployments(&[arn.as_str()]).await? {
            lines.push(format!("its newest deployment {} is {}", deployment.id(), deployment.status));
        }
    }
    let groups = service.load_balancers.iter().filter_map(|one| one.target_group_arn.as_deref());
    for group in groups {
        let short = group.rsplit('/').nth(1).unwrap_or(group);
        match cx.balancers().await?.health(group).await {
            Ok(states) if states.is_empty() => lines.push(format!("target group {short} has no targets")),
            Ok(states) => lines.push(format!("targets of {short}: {}", states.join(", "))),
            Err(error) => lines.push(format!("the targets of {short} could not be read: {}", error_line(&error))),
        }
    }
    match ecs.stopped_tasks(cluster, name, &service.task_definition, 0.0).await {
        Ok(mut tasks) => {
            tasks.sort_by(|one, other| other.stopped_at.total_cmp(&one.stopped_at));
            let told = tasks.iter().take(TASKS);
            lines.extend(told.map(|task| format!("task {} stopped: {}", short_id(&task.arn), task.why_it_stopped())));
        }
        Err(error) => lines.push(format!("why tasks stopped could not be read: {}", error_line(&error))),
    }
    lines.extend(
        service.events.iter().take(EVENTS).map(|event| format!("event: {}", event.message.for_record(LONGEST))),
    );
    Ok(lines)
}

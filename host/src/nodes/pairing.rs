//! A person's answer to what a node declares.

use super::{
    Nodes, approved_surface, put_surfaces,
    surface::{self, PendingSurface},
    waiting_surface,
};
use crate::{
    devices::{Device, DeviceError},
    protocol::scope::Role,
};

impl Nodes {
    /// The request that waits under this id, with its node.
    #[must_use]
    pub fn request(&self, request_id: &str) -> Option<(String, PendingSurface)> {
        self.devices.paired().into_iter().find_map(|device| {
            let waiting = waiting_surface(&device).filter(|w| w.request_id == request_id)?;
            Some((device.device_id, waiting))
        })
    }

    /// Approves a request; what it names may be invoked from now on. Answers the device.
    ///
    /// # Errors
    /// When the request is unknown, was replaced meanwhile, or the answer cannot be stored.
    pub async fn approve(&self, request_id: &str) -> Result<Device, DeviceError> {
        let connected = |id: &str| self.connection(id).is_some();
        self.decide(request_id, |device, waiting, now| {
            let before = approved_surface(device);
            let mut surface = surface::approve(waiting, before.as_ref(), now);
            if surface.last_connected_at_ms.is_none() && connected(&device.device_id) {
                surface.last_connected_at_ms = device.last_seen_at_ms;
            }
            put_surfaces(device, Some(&surface), None);
        })
        .await
    }

    /// Refuses a request; what was approved before stays so.
    ///
    /// # Errors
    /// When the request is unknown, was replaced meanwhile, or the answer cannot be stored.
    pub async fn reject(&self, request_id: &str) -> Result<Device, DeviceError> {
        self.decide(request_id, |device, _, _| device.pending_node_surface = None).await
    }

    async fn decide(
        &self,
        request_id: &str,
        change: impl FnOnce(&mut Device, PendingSurface, u64),
    ) -> Result<Device, DeviceError> {
        let (node_id, _) = self.request(request_id).ok_or(DeviceError::UnknownRequest)?;
        let mut found = false;
        let device = self
            .devices
            .update(&node_id, |device, now| {
                let waiting = waiting_surface(device).filter(|w| w.request_id == request_id);
                if let Some(waiting) = waiting {
                    found = true;
                    change(device, waiting, now);
                }
            })
            .await?;
        if found { Ok(device) } else { Err(DeviceError::UnknownRequest) }
    }

    /// Takes the role away from a node; a device without any other role is forgotten.
    ///
    /// # Errors
    /// When it is no node or the change cannot be stored.
    pub async fn remove(&self, node_id: &str) -> Result<(), DeviceError> {
        let device = self.device(node_id).ok_or(DeviceError::UnknownDevice)?;
        self.lock().boxes.remove(node_id);
        if device.roles == [Role::Node] {
            return self.devices.remove(node_id).await.map(drop);
        }
        self.devices
            .update(node_id, |device, _| {
                device.roles.retain(|role| *role != Role::Node);
                device.role = Role::Operator;
                device.tokens.remove(&Role::Node);
                put_surfaces(device, None, None);
            })
            .await
            .map(drop)
    }
}

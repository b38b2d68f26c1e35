//! The clients of a world, and their network origins, which every node knows for the evaluation of policies.

use std::sync::Arc;

use crate::iam::NetworkOrigin;
use crate::types::ClientId;

use super::client::ClientOptions;
use super::{Options, World};

impl Options {
    /// Fills in what requests tell about their network and their time.
    pub(super) fn complete_principals(&mut self) {
        let principals = Arc::make_mut(&mut self.principals);
        principals.origins = self.clients.iter().map(|client| client.origin.clone()).collect();
        principals.epoch = self.epoch;
    }
}

impl World {
    /// Adds a client.
    pub fn add_client(&mut self, client: ClientOptions) -> ClientId {
        let id = ClientId(self.options.clients.len() as u32);
        self.set_origin(id, &client.origin);
        self.options.clients.push(client);
        id
    }

    /// Replaces the description of a client that has not called yet.
    pub fn replace_client(&mut self, id: ClientId, client: ClientOptions) {
        self.set_origin(id, &client.origin);
        self.options.clients[id.0 as usize] = client;
    }

    /// Gives the network origin of a client to every node.
    fn set_origin(&mut self, id: ClientId, origin: &Arc<NetworkOrigin>) {
        // A server has very many clients, all with the origin that a client without an entry has.
        if self.options.principals.origin(id) == &**origin {
            return;
        }
        let origins = &mut Arc::make_mut(&mut self.options.principals).origins;
        origins.resize_with((id.0 as usize + 1).max(origins.len()), Arc::default);
        origins[id.0 as usize] = origin.clone();
        for node in &mut self.nodes {
            node.machine.set_principals(self.options.principals.clone());
        }
    }
}

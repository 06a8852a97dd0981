//! A store in memory, for tests and fuzzers: several authorizations use it like processes use a folder.

use std::collections::HashMap;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::record_store::{CustomStore, StoreRequest};
use crate::sys::lock::Mutex;

/// The texts of the records, by their keys.
#[derive(Clone, Default)]
pub struct SharedStore(pub Arc<Mutex<HashMap<String, String>>>);

impl CustomStore for SharedStore {
    fn load(&self, request: &mut StoreRequest) {
        request.text = self.0.lock().get(&request.key).map(|text| Zeroizing::new(text.clone()));
    }

    fn save(&self, request: &mut StoreRequest) {
        match &request.text {
            Some(text) => self.0.lock().insert(request.key.clone(), text.to_string()),
            None => self.0.lock().remove(&request.key),
        };
    }

    fn lock(&self, _: &mut StoreRequest) {}

    fn unlock(&self, _: &mut StoreRequest) {}
}

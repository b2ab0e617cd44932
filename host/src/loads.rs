//! How much of its capacity each pathway uses, as operators tell.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use wire::steering::LoadsRequest;

/// Loads by the id of a pathway, each for as long as its teller vouches for it.
#[derive(Debug, Default)]
pub struct Loads {
    told: Mutex<HashMap<String, (u32, Instant)>>,
}

impl Loads {
    /// Replaces what was told before.
    pub fn tell(&self, request: &LoadsRequest, now: Instant) {
        let until = now + Duration::from_secs(u64::from(request.ttl_s));
        let told = request.permille.iter().map(|(id, permille)| (id.clone(), (*permille, until)));
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = told.collect();
    }

    /// Calls with the loads that hold now; `own` is the pathway that this node is, which it knows best itself.
    pub fn within<T>(
        &self,
        now: Instant,
        own: (&str, u32),
        call: impl FnOnce(&dyn Fn(&str) -> u32) -> T,
    ) -> T {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |id: &str| {
            let known = told.get(id).filter(|(_, until)| now < *until).map_or(0, |(permille, _)| *permille);
            if id == own.0 { known.max(own.1) } else { known }
        };
        call(&of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_holds_as_long_as_its_teller_vouches_for_it() {
        let (loads, now) = (Loads::default(), Instant::now());
        let request = LoadsRequest { permille: [("cdn-a".to_owned(), 800)].into(), ttl_s: 60 };
        loads.tell(&request, now);
        let at = |after_s, id| {
            let now = now + Duration::from_secs(after_s);
            loads.within(now, ("edge-1", 300), |load| load(id))
        };
        assert_eq!([at(59, "cdn-a"), at(60, "cdn-a"), at(0, "cdn-b")], [800, 0, 0]);
        assert_eq!([at(0, "edge-1"), at(99, "edge-1")], [300, 300]);
    }
}

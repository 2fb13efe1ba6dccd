//! The run token: `TSPM_RUN` in a process's environment says whose it is.
//!
//! It is what is left when keeper and shims are dead. It finds only what can be read: not the processes
//! of other users, not one that overwrote its environment.

use super::procfs;

/// The variable. Its value is a path of elements `project-id.service.instance.run`, outermost first.
pub const VARIABLE: &str = "TSPM_RUN";

/// Every process in whose token an element begins with `prefix` (`project-id.`). Zombies have none.
pub fn scan(prefix: &str) -> Vec<u32> {
    let mut environ = Vec::new();
    let mut found = procfs::pids();
    found.retain(|&pid| procfs::read_all(pid, "environ", &mut environ).is_ok() && carries(&environ, prefix));
    found
}

/// Whether an environment block (`K=V`, each ended by NUL) carries such an element.
fn carries(environ: &[u8], prefix: &str) -> bool {
    let value = |entry: &[u8]| {
        entry.strip_prefix(VARIABLE.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")).map(<[u8]>::to_vec)
    };
    let elements =
        |value: Vec<u8>| value.split(|&byte| byte == b'/').any(|element| element.starts_with(prefix.as_bytes()));
    environ.split(|&byte| byte == 0).filter_map(value).any(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_its_element_anywhere_in_the_path() {
        let carries = |text: &str| carries(text.replace(' ', "\0").as_bytes(), "abc.");
        assert!(carries("HOME=/ TSPM_RUN=abc.api.0.1 X=y"));
        assert!(carries("TSPM_RUN=outer.svc.0.1/abc.api.0.1"));
        assert!(carries("TSPM_RUN=abc.svc.0.1/inner.api.0.1"));
        assert!(!carries("TSPM_RUN=xabc.api.0.1"));
        assert!(!carries("TSPM_RUN=abcd.api.0.1"));
        assert!(!carries("XTSPM_RUN=abc.api.0.1 OTHER=TSPM_RUN=abc."));
        assert!(!carries(""));
    }
}

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
    found.retain(|&pid| read(pid, prefix, &mut environ));
    found
}

/// Whether this process's token has such an element. False if it cannot be read.
pub fn is_on(pid: u32, prefix: &str) -> bool {
    read(pid, prefix, &mut Vec::new())
}

fn read(pid: u32, prefix: &str, environ: &mut Vec<u8>) -> bool {
    procfs::read_all(pid, "environ", environ).is_ok() && carries(environ, prefix)
}

/// Whether an environment block (`K=V`, each ended by NUL) carries such an element.
fn carries(environ: &[u8], prefix: &str) -> bool {
    environ
        .split(|&byte| byte == 0)
        .filter_map(|entry| entry.strip_prefix(VARIABLE.as_bytes())?.strip_prefix(b"="))
        .flat_map(|path| path.split(|&byte| byte == b'/'))
        .any(|element| element.starts_with(prefix.as_bytes()))
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

//! The platforms krew knows, and how to see that a program is for one of them.

/// The pairs of operating system and architecture that krew's validator accepts.
pub const SUPPORTED: [&str; 11] = [
    "windows-386",
    "windows-amd64",
    "windows-arm64",
    "linux-386",
    "linux-amd64",
    "linux-arm",
    "linux-arm64",
    "linux-ppc64le",
    "darwin-386",
    "darwin-amd64",
    "darwin-arm64",
];

/// The platform that the first bytes of a program name, as far as we build for it: ELF `e_machine`, the machine of the
/// PE header.
#[must_use]
pub fn of_program(program: &[u8]) -> Option<&'static str> {
    match program.get(..4)? {
        b"\x7fELF" => match two_bytes(program, 18)? {
            62 => Some("linux-amd64"),
            183 => Some("linux-arm64"),
            _ => None,
        },
        [b'M', b'Z', ..] => {
            let header = usize::from(two_bytes(program, 0x3c)?);
            (program.get(header..header + 4)? == b"PE\0\0" && two_bytes(program, header + 4)? == 0x8664)
                .then_some("windows-amd64")
        }
        _ => None,
    }
}

/// A little-endian number at `offset`.
fn two_bytes(program: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_le_bytes(program.get(offset..offset + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_name_their_platform() {
        let mut elf = b"\x7fELF".to_vec();
        elf.resize(64, 0);
        assert_eq!(of_program(&elf), None);
        elf[18] = 62;
        assert_eq!(of_program(&elf), Some("linux-amd64"));
        elf[18] = 183;
        assert_eq!(of_program(&elf), Some("linux-arm64"));
        let mut windows = b"MZ".to_vec();
        windows.resize(0x3c, 0);
        windows.extend([0x40, 0, 0, 0]);
        windows.extend(b"PE\0\0\x64\x86");
        assert_eq!(of_program(&windows), Some("windows-amd64"));
        assert_eq!(of_program(b"#!/bin/sh\n"), None);
        assert_eq!(of_program(b""), None);
    }
}

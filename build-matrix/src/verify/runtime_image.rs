//! What is there on Lambda besides the package.

/// The libraries that an executable may need of `provided.al2023`, by their sonames.
///
/// That runtime is made from the minimal container image of Amazon Linux 2023
/// (<https://docs.aws.amazon.com/linux/al2023/ug/lambda.html>), which has glibc 2.34
/// (<https://docs.aws.amazon.com/linux/al2023/ug/glibc-gcc-and-binutils.html>): its parts are the first seven. The
/// last, from the package libgcc, is what the package manager of that image needs itself, which is linked with
/// libstdc++; the list of an image's packages is at
/// <https://docs.aws.amazon.com/linux/al2023/ug/al2023-container-image-types.html>. Everything else has to be in the
/// package, although the image may have it today.
pub(super) const LIBRARIES: [&str; 8] = [
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libgcc_s.so.1",
];

/// Where the dynamic loader of glibc is, by the ABI of each machine.
pub(super) fn interpreter(machine: &str) -> Option<&'static str> {
    match machine {
        "x86_64" => Some("/lib64/ld-linux-x86-64.so.2"),
        "aarch64" => Some("/lib/ld-linux-aarch64.so.1"),
        _ => None,
    }
}

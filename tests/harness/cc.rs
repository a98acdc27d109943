//! Plugins in C: built by the system's compiler in a blink, so that a play can spoil one in any way.

use crate::libraries::{binary, root};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where the header of the plugin interface lies.
const INCLUDE: &str = "plugin-api/include";

/// A package made from a C source.
#[derive(Clone, Debug)]
pub struct CPlugin {
    source: PathBuf,
    include: PathBuf,
    defines: Vec<String>,
    /// The manifest, packed as it is.
    pub manifest: String,
    patch: Option<fn(&mut Vec<u8>)>,
}

impl CPlugin {
    /// The plugin that tries what it is told, with these lines under `[permissions]`.
    #[must_use]
    pub fn trespasser(permissions: &str) -> Self {
        Self::named("trespasser", permissions)
    }

    /// The same under another id and channel.
    #[must_use]
    pub fn named(id: &str, permissions: &str) -> Self {
        let manifest = format!(
            "id = \"{id}\"\nversion = \"0.1.0\"\nabi = 1\nprotocol = \"1.0\"\nchannel = \"{id}\"\n\
             label = \"Trespasser\"\nlicense = \"MIT\"\nlibrary = \"libtrespasser.so\"\n\
             [permissions]\n{permissions}\n"
        );
        let defines = vec![format!("-DID=\"{id}\"")];
        let source = root().join("tests/c/trespasser.c");
        Self { source, include: root().join(INCLUDE), defines, manifest, patch: None }
    }

    /// The example.
    #[must_use]
    pub fn hello() -> Self {
        Self::example(&root().join("examples/c-hello"), root().join(INCLUDE))
    }

    /// The example as it was with the released `version` of plugin-api, and that release's header.
    #[must_use]
    pub fn museum(version: &str) -> Self {
        let piece = root().join("examples/museum").join(version);
        Self::example(&piece.join("c-hello"), piece.join(INCLUDE))
    }

    fn example(folder: &Path, include: PathBuf) -> Self {
        let manifest = fs::read_to_string(folder.join("plugin.toml")).expect("it is there");
        let source = folder.join("hello.c");
        Self { source, include, defines: Vec::new(), manifest, patch: None }
    }

    /// Defines a name for the preprocessor, as `NAME` or `NAME=value`.
    #[must_use]
    pub fn define(mut self, define: &str) -> Self {
        self.defines.push(format!("-D{define}"));
        self
    }

    /// Changes the compiled library before it is packed, hash and all.
    #[must_use]
    pub fn patched(mut self, patch: fn(&mut Vec<u8>)) -> Self {
        self.patch = Some(patch);
        self
    }

    /// Compiles the library to `out`.
    pub fn compile(&self, out: &Path) {
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-I"])
            .arg(&self.include)
            .args(&self.defines)
            .arg("-o")
            .args([out, self.source.as_path()]);
        ran(compiler);
        if let Some(patch) = self.patch {
            let mut bytes = fs::read(out).expect("it was just made");
            patch(&mut bytes);
            fs::write(out, bytes).expect("it was just made");
        }
    }

    /// Compiles and packs into `folder`.
    pub fn pack(&self, folder: &Path) {
        let work = tempfile::tempdir().expect("a temporary folder can be made");
        let (library, manifest) = (work.path().join("lib.so"), work.path().join("plugin.toml"));
        self.compile(&library);
        fs::write(&manifest, &self.manifest).expect("it was just made");
        let mut pack = Command::new(binary());
        pack.args(["plugins", "pack", "--manifest"]).arg(manifest);
        pack.arg("--library").arg(library).arg("--out").arg(folder);
        ran(pack);
    }
}

fn ran(mut command: Command) {
    let done = command.output().expect("the program is installed");
    assert!(done.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&done.stderr));
}

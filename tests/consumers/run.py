"""Builds and runs one kind of consumer of libmcp, and prints the command lines.

    run.py install ...      installs libmcp and moves the tree elsewhere; most kinds are built from it
    run.py KIND ...         builds that project in a copy of this folder and runs its program with the scripted server
    run.py clean ...        removes the tree that `install` created
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import tree

sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "swift"))
import place  # noqa: E402

OPTIONS = {
    "cmake": "the cmake program",
    "generator": "CMake's generator",
    "cc": "the C compiler",
    "cxx": "the C++ compiler",
    "build": "libmcp's build directory",
    "build-type": "its CMAKE_BUILD_TYPE",
    "source": "libmcp's source tree",
    "cargo-dir": "cargo's target directory, shared with that build to avoid compiling everything again",
    "version": "libmcp's version",
    "server": "the program mcp-test-server",
    "work": "a folder for the output of this program",
}

# By default the compiler adds libraries such as the C library, which would hide that one is missing in libmcp's lists.
NO_DEFAULT_LIBRARIES = "-nodefaultlibs"

HERE = os.path.dirname(os.path.abspath(__file__))


class Run:
    """One run of this program: its paths, and helpers that print each command before they run it."""

    def __init__(self, options):
        self.options = options
        self.installed = os.path.join(options.work, "installed")
        self.prefix = os.path.join(self.installed, "moved here")  # with a space, as on some users' machines
        self.folder = os.path.join(options.work, options.kind)
        # Printed by name in the command lines, to keep them short.
        self.names = {"PREFIX": self.prefix, "SERVER": options.server, "CARGO_DIR": options.cargo_dir,
                      "SOURCE": options.source}
        # Variables of an outer make or package build must not reach the consumers. Keep all others unchanged: some
        # crates are rebuilt if variables such as CC change.
        self.environment = {name: value for name, value in os.environ.items()
                            if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR")}

    def copy_projects(self):
        """Copies the projects out of the source tree, so that they cannot use other files in it by accident."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(HERE, self.folder, ignore=shutil.ignore_patterns("*.py", "*.md", "__pycache__"))
        for name, value in self.names.items():
            print(f"$ {name}={shlex.quote(value)}")
        print("$ cd", shlex.quote(self.folder), flush=True)

    def quoted(self, word):
        for name, value in self.names.items():
            word = word.replace(value, f"${name}")
        return f'"{word}"' if "$" in word else shlex.quote(word)

    def command(self, *words, **environment):
        """Prints and runs a command in the copied folder; prints and returns its output."""
        settings = [f"{name}={self.quoted(value)}" for name, value in environment.items()]
        print("$", *settings, *(self.quoted(word) for word in words), flush=True)
        result = subprocess.run(words, cwd=self.folder, env={**self.environment, **environment}, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(result.stdout, end="", flush=True)
        if result.returncode != 0:
            sys.exit(f"the command failed with exit code {result.returncode}")
        return result.stdout

    def cmake(self, project, *definitions, build="build", language="C"):
        compiler = self.options.cxx if language == "CXX" else self.options.cc
        self.command(self.options.cmake, "-G", self.options.generator, "-S", project, "-B", build,
                     f"-DCMAKE_{language}_COMPILER={compiler}", *definitions)
        self.command(self.options.cmake, "--build", build)

    def cmake_installed(self, project, *definitions, **how):
        self.cmake(project, f"-DCMAKE_PREFIX_PATH={self.prefix}", *definitions, **how)

    def make(self, project, *settings):
        self.command("make", "--always-make", "-C", project, f"CC={self.options.cc}", *settings,
                     PKG_CONFIG_PATH=os.path.join(self.libdir(), "pkgconfig"))

    def ping(self, program, *arguments, **environment):
        output = self.command(self.options.server, "--run", program, *arguments, **environment)
        check(f"libmcp {self.options.version}: " in output and "alive" in output, f"{program} did not ping the server")

    def check_linked(self, program, *, libmcp):
        """Checks that the program is linked with the shared library by its SONAME, or with no shared libmcp."""
        libraries = tree.needed(os.path.join(self.folder, program))
        print(f"{program} depends on {', '.join(libraries)}", flush=True)
        found = [name for name in libraries if "mcp" in name]
        expected = [tree.soname(self.options.version)] if libmcp else []
        check(found == expected, f"{program} depends on {found} of libmcp, expected {expected}")

    def libdir(self):
        return os.path.dirname(tree.find(self.prefix, f"libmcp.so.{self.options.version}"))


def check(condition, message):
    if not condition:
        sys.exit(message)


def install(run):
    first = os.path.join(run.installed, "first")
    shutil.rmtree(run.installed, ignore_errors=True)
    subprocess.run([run.options.cmake, "--install", run.options.build, "--prefix", first], check=True,
                   env=run.environment, stdout=subprocess.DEVNULL)
    os.rename(first, run.prefix)


def clean(run):
    shutil.rmtree(run.installed)


def installed_tree(run):
    foreign = [run.options.source, run.options.build, os.path.join(run.installed, "first")]
    tree.check(run.prefix, run.options.version, foreign)


def find_package_c(run):
    run.copy_projects()
    for build_type in ("Debug", "Release"):
        build = f"build-{build_type.lower()}"
        run.cmake_installed("find-package-c", f"-DCMAKE_BUILD_TYPE={build_type}", build=build)
        run.check_linked(f"{build}/app", libmcp=True)
        run.ping(f"{build}/app")


def find_package_cpp(run):
    run.copy_projects()
    run.cmake_installed("find-package-cpp", language="CXX")
    run.check_linked("build/app", libmcp=True)
    run.ping("build/app")


def go(run):
    run.copy_projects()
    with open(os.path.join(run.folder, "go", "go.mod.in")) as template:
        mod = template.read().replace("@BINDING@", os.path.join(run.prefix, "share", "libmcp", "go"))
    with open(os.path.join(run.folder, "go", "go.mod"), "w") as file:
        file.write(mod)
    settings = {"PKG_CONFIG_PATH": os.path.join(run.libdir(), "pkgconfig"), "GOTOOLCHAIN": "local", "GOWORK": "off"}
    for program, tags in (("shared", []), ("static", ["-tags", "static"])):
        run.command("go", "build", "-C", "go", *tags, "-o", program, ".", **settings)
        run.check_linked(f"go/{program}", libmcp=program == "shared")
    run.ping("go/shared", LD_LIBRARY_PATH=run.libdir())
    run.ping("go/static")


def swift(run):
    run.copy_projects()
    with place.place(Path(run.folder), "consumer") as here:
        # Without a space: SwiftPM parses mcp.pc itself, and ends a path at a space.
        here.take(Path(run.prefix), "moved", without=("libmcp.a", "doc"))
        here.take(Path(run.folder, "swift/app"), "app")
        here.take(Path(run.options.server), "server")
        prefix = Path(here.inside("moved"))
        libdir = prefix / Path(run.libdir()).relative_to(run.prefix)
        here.must("swift", "build", "--package-path", "app", LIBMCP_PREFIX=str(prefix),
                  PKG_CONFIG_PATH=str(libdir / "pkgconfig"))
        run.check_linked(str(here.folder / "app/.build/debug/app"), libmcp=True)
        output = here.must("./server", "--run", "app/.build/debug/app", LD_LIBRARY_PATH=str(libdir),
                           NO_PROXY="127.0.0.1")
        check(f"libmcp {run.options.version}: " in output and "alive" in output, "the program did not ping the server")


def find_package_versions(run):
    run.copy_projects()
    run.cmake_installed("find-package-versions", f"-DINSTALLED={run.options.version}")


def pkg_config(run):
    run.copy_projects()
    run.make("pkg-config")
    run.check_linked("pkg-config/app", libmcp=True)
    run.ping("pkg-config/app", LD_LIBRARY_PATH=run.libdir())


def static_cmake(run):
    run.copy_projects()
    # A static library, because CMake's compiler check cannot link a program without the default libraries.
    alone = [f"-DCMAKE_EXE_LINKER_FLAGS={NO_DEFAULT_LIBRARIES}", "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY"]
    for build, definitions in (("build", []), ("build-alone", alone)):
        run.cmake_installed("static-cmake", *definitions, build=build)
        run.check_linked(f"{build}/app", libmcp=False)
        run.ping(f"{build}/app")


def static_pkg_config(run):
    run.copy_projects()
    for settings in ([], [f"LDFLAGS={NO_DEFAULT_LIBRARIES}"]):
        run.make("static-pkg-config", *settings)
        run.check_linked("static-pkg-config/app", libmcp=False)
        run.ping("static-pkg-config/app")


def dlopen(run):
    run.copy_projects()
    run.make("dlopen")
    run.check_linked("dlopen/app", libmcp=False)
    run.ping("dlopen/app", LD_LIBRARY_PATH=run.libdir())
    run.ping("dlopen/app", os.path.join(run.libdir(), tree.soname(run.options.version)))


def add_subdirectory(run):
    run.copy_projects()
    third_party = os.path.join(run.folder, "add-subdirectory", "third_party")
    os.mkdir(third_party)
    os.symlink(run.options.source, os.path.join(third_party, "libmcp"))
    build_with_sources(run, "add-subdirectory")


def fetchcontent(run):
    run.copy_projects()
    # First without sources at the project's SOURCE_DIR: a CMake variable gives their location.
    override = f"-DFETCHCONTENT_SOURCE_DIR_LIBMCP={run.options.source}"
    build_with_sources(run, "fetchcontent", override, build="build-override")
    os.symlink(run.options.source, os.path.join(run.folder, "libmcp"))
    build_with_sources(run, "fetchcontent")


def build_with_sources(run, project, *definitions, build="build"):
    run.cmake(project, f"-DMCP_CARGO_TARGET_DIR={run.options.cargo_dir}",
              f"-DCMAKE_BUILD_TYPE={run.options.build_type}", *definitions, build=build)
    for program in ("shared", "static"):
        run.check_linked(f"{build}/{program}", libmcp=program == "shared")
        run.ping(f"{build}/{program}")
    again = run.command(run.options.cmake, "--build", build)
    check("with cargo" not in again and "Linking" not in again, "the second build is not a no-op")


ACTIONS = {
    "install": install,
    "clean": clean,
    "tree": installed_tree,
    "find-package-c": find_package_c,
    "find-package-cpp": find_package_cpp,
    "go": go,
    "swift": swift,
    "find-package-versions": find_package_versions,
    "pkg-config": pkg_config,
    "static-cmake": static_cmake,
    "static-pkg-config": static_pkg_config,
    "dlopen": dlopen,
    "add-subdirectory": add_subdirectory,
    "fetchcontent": fetchcontent,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=ACTIONS)
    for name, meaning in OPTIONS.items():
        parser.add_argument(f"--{name}", required=True, help=meaning)
    options = parser.parse_args()
    ACTIONS[options.kind](Run(options))


main()

// Package deploy_test checks of the unit and the image what can be checked without systemd and a container.
package deploy_test

import (
	"bufio"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"clientele/internal/race"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What the image copies exists, its variables are keys of the configuration, it does not run as root, and
// it is built with the Go that go.mod asks for.
func TestDockerfile(t *testing.T) {
	text := read(t, "Dockerfile")
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))[1]
	if !strings.Contains(text, "FROM golang:"+goVersion+"-") {
		t.Errorf("it is not built with Go %s", goVersion)
	}
	stages := map[string]bool{}
	user := ""
	lines := bufio.NewScanner(strings.NewReader(strings.ReplaceAll(text, "\\\n", " ")))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) == 0 {
			continue
		}
		switch f[0] {
		case "FROM":
			if len(f) == 4 && f[2] == "AS" {
				stages[f[3]] = true
			}
			user = ""
		case "USER":
			user = f[1]
		case "COPY":
			var args []string
			from := ""
			for _, a := range f[1:] {
				if rest, ok := strings.CutPrefix(a, "--from="); ok {
					from = rest
				} else if !strings.HasPrefix(a, "--") {
					args = append(args, a)
				}
			}
			if from != "" {
				if !stages[from] {
					t.Errorf("%s: there is no stage %s", lines.Text(), from)
				}
				continue
			}
			for _, a := range args[:len(args)-1] {
				if _, err := os.Stat(filepath.Join("..", a)); err != nil {
					t.Errorf("%s: %v", lines.Text(), err)
				}
			}
		}
	}
	if user != "nonroot" {
		t.Errorf("it runs as %q", user)
	}
	for _, variable := range regexp.MustCompile(`CLIENTELE_\w+`).FindAllString(text, -1) {
		if !strings.Contains(read(t, "../docs/configuration.md"), variable) && variable != "CLIENTELE_COLLECT_SDK_DIR" {
			t.Errorf("%s is not in docs/configuration.md", variable)
		}
	}
}

// inImage are the shared libraries of the distroless cc image: glibc, libgcc_s and libstdc++.
var inImage = []string{"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}

// The program needs no shared library that the image has not got.
func TestLibraries(t *testing.T) {
	race.Skip(t)
	if runtime.GOOS != "linux" {
		t.Skip("the image is for Linux")
	}
	program := os.Getenv("CLIENTELE_BIN")
	if program == "" {
		if testing.Short() {
			t.Skip("it links the whole program")
		}
		program = filepath.Join(t.TempDir(), "clientele")
		build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "../cmd/clientele")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	needed, err := f.ImportedLibraries()
	if err != nil || len(needed) == 0 {
		t.Fatal(needed, err)
	}
	for _, library := range needed {
		if !slices.Contains(inImage, library) {
			t.Errorf("the program needs %s, which the image has not got", library)
		}
	}
}

// The unit starts what there is, with flags that there are, and takes all privileges away.
func TestUnit(t *testing.T) {
	text := read(t, "clientele.service")
	for _, line := range []string{"User=clientele", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "StateDirectory=clientele", "ExecReload=/bin/kill -HUP $MAINPID", "UMask=0077"} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("it does not say %s", line)
		}
	}
	start := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(text)
	if start == nil || start[1] != "/usr/local/bin/clientele serve --config /etc/clientele/clientele.yaml --data /var/lib/clientele" {
		t.Errorf("it starts %v", start)
	}
	if path, err := exec.LookPath("systemd-analyze"); err == nil {
		if out, err := exec.Command(path, "verify", "--man=no", "./clientele.service").CombinedOutput(); err != nil && !strings.Contains(string(out), "not executable") {
			t.Logf("systemd-analyze: %s", out)
		}
	}
}

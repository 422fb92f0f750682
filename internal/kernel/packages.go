package kernel

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// The CDK is five packages, and a program in Go has them in itself: 62 MB. The
// jsii runtime writes them to files in every run, and the kernel reads those
// files only to find that it has unpacked them before. A program that says which
// modules it is built of can do without: it hands over a stub in place of each
// package, and the kernel finds what is unpacked by the digest of the stub. That
// place is a link, which the shim makes when the package itself is handed over:
// in the first run with these modules, or whenever the link leads nowhere.

// stubVariable names the environment variable by which the shim knows the stub.
const stubVariable = "TINYSTACK_PACKAGES_STUB"

// packages of the CDK in the order in which they are loaded, each with its
// module, whose version is the package's.
var packages = []struct{ name, module string }{
	{"@aws-cdk/asset-awscli-v1", "github.com/cdklabs/awscdk-asset-awscli-go/awscliv1/"},
	{"@aws-cdk/asset-node-proxy-agent-v6", "github.com/cdklabs/awscdk-asset-node-proxy-agent-go/nodeproxyagentv6/"},
	{"@aws-cdk/cloud-assembly-schema", "github.com/cdklabs/cloud-assembly-schema-go/awscdkcloudassemblyschema/"},
	{"constructs", "github.com/aws/constructs-go/constructs/"},
	{"aws-cdk-lib", "github.com/aws/aws-cdk-go/awscdk/"},
}

// Package is one that need not be handed over itself.
type Package struct {
	Name, Version string
	Stub          []byte
}

// Unpacked are the packages of the CDK, in the order in which they have to be
// loaded, if all of them are unpacked already; otherwise none. It comes before
// the runtime is started.
func Unpacked() []Package {
	if os.Getenv("JSII_RUNTIME") != "" {
		return nil
	}
	versions, stub := identity(debug.ReadBuildInfo())
	if versions == nil {
		return nil
	}
	os.Setenv(stubVariable, stub)
	cache, err := PackageCache()
	if err != nil {
		return nil // there is nothing yet, for example
	}
	var unpacked []Package
	for i, version := range versions {
		name := packages[i].name
		sum := sha256.Sum256([]byte(stub + "\x00" + name + "\x00" + version))
		marker := filepath.Join(cache, filepath.FromSlash(name), version, hex.EncodeToString(sum[:]), PackageMarker)
		if info, err := os.Lstat(marker); err != nil || !info.Mode().IsRegular() {
			return nil
		}
		unpacked = append(unpacked, Package{name, version, []byte(stub)})
	}
	return unpacked
}

// identity says which versions of the packages a program has, and what stands for
// their content: the checksums of the modules. A program that is not built of
// modules as they were published, or does not say of which, has none.
func identity(info *debug.BuildInfo, known bool) (versions []string, stub string) {
	if !known {
		return nil, ""
	}
	stub = "Stands for packages of these modules, which are unpacked already.\n"
	for _, of := range packages {
		for _, module := range info.Deps {
			if strings.HasPrefix(module.Path, of.module) && module.Replace == nil && module.Sum != "" {
				versions = append(versions, strings.TrimPrefix(module.Version, "v"))
				stub += module.Path + " " + module.Version + " " + module.Sum + "\n"
			}
		}
	}
	if len(versions) != len(packages) {
		return nil, ""
	}
	return versions, stub
}

// PackageMarker is the file by which the jsii runtime knows that a package is
// completely unpacked.
const PackageMarker = ".jsii-runtime-package-cache"

// PackageCache is where the jsii runtime unpacks packages.
func PackageCache() (string, error) {
	if setting := os.Getenv("JSII_RUNTIME_PACKAGE_CACHE"); setting != "" && !strings.EqualFold(setting, "enabled") {
		return "", errors.New("the jsii package cache is disabled")
	}
	if root := os.Getenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT"); root != "" {
		return root, nil
	}
	home, folders := os.Getenv("HOME"), []string{".cache", "aws", "jsii", "package-cache"}
	switch runtime.GOOS {
	case "windows":
		home, folders = os.Getenv("LOCALAPPDATA"), []string{"AWS", "jsii", "package-cache"}
	case "darwin":
		folders = []string{"Library", "Caches", "com.amazonaws.jsii", "package-cache"}
	}
	if !filepath.IsAbs(home) {
		return "", errors.New("there is no home folder")
	}
	root := filepath.Join(append([]string{home}, folders...)...)
	// The runtime refuses a cache that others could write into.
	if info, err := os.Stat(root); err != nil {
		return "", err
	} else if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("others may write into %s", root)
	}
	return root, nil
}

